import ArchiveIO
import TestSupport
import Testing

/// RFC 1952, and what Go's reader makes of it.
@Suite struct GzipTests {
  @Test(arguments: [false, true])
  func `a header with every optional field is read, whatever pieces it comes in`(hasChecksum: Bool)
    async throws
  {
    let text = Array("content, content, content".utf8)
    let compressed = try await LayerBytes.gzipWithFullHeader(text, checksum: hasChecksum)
    for piece in Array(1...45) + [.max] {
      #expect(try decompress(compressed, inputPiece: piece) == text, "pieces of \(piece)")
      #expect(
        try decompress(compressed + compressed, inputPiece: piece) == text + text, "twice, pieces of \(piece)"
      )
    }
    for count in 3..<compressed.count {
      for piece in [1, .max] {
        #expect(throws: DecompressionError.self, "cut at \(count)") {
          try decompress(Array(compressed[..<count]), inputPiece: piece)
        }
      }
    }
  }

  @Test func `a long name and a long extra field are passed over`() async throws {
    let plain = try await LayerBytes.gzip(Array("content".utf8))
    let extra = [UInt8](repeating: 0, count: 65_535)
    let name = [UInt8](repeating: UInt8(ascii: "n"), count: 600_000) + [0]
    let compressed = [0x1f, 0x8b, 8, 0x0c, 0, 0, 0, 0, 0, 3, 0xff, 0xff] + extra + name + plain.dropFirst(10)
    for piece in [1000, .max] {
      #expect(try decompress(compressed, inputPiece: piece) == Array("content".utf8))
    }
  }

  @Test(arguments: [1, .max])
  func `a wrong check sum of the header is refused`(piece: Int) async throws {
    var compressed = try await LayerBytes.gzipWithFullHeader(Array("content".utf8), checksum: true)
    compressed[4] ^= 1
    #expect(throws: DecompressionError.self) { try decompress(compressed, inputPiece: piece) }
  }

  @Test(arguments: 1...8)
  func `a wrong check sum or length behind the data is refused`(fromEnd: Int) async throws {
    var compressed = try await LayerBytes.gzip(pattern(1000))
    compressed[compressed.count - fromEnd] ^= 1
    #expect(throws: DecompressionError.self) { try decompress(compressed) }
  }

  @Test func `data that expands a thousandfold comes in the pieces that were asked for`() async throws {
    let zeros = [UInt8](repeating: 0, count: 20 << 20)
    let compressed = try await LayerBytes.gzip(zeros)
    #expect(try decompress(compressed, outputPiece: 1 << 20) == zeros)
  }
}

/// RFC 8878.
@Suite struct ZstdTests {
  @Test func `skippable frames are passed over`() async throws {
    let text = Array("content".utf8)
    let frame = try await LayerBytes.zstd(text)
    let skippable = LayerBytes.skippableFrame([1, 2, 3])
    for piece in [1, 5, .max] {
      #expect(try decompress(frame + skippable + frame + skippable, inputPiece: piece) == text + text)
      #expect(try decompress(frame + LayerBytes.skippableFrame([]), inputPiece: piece) == text)
      #expect(throws: DecompressionError.self) {
        try decompress(frame + skippable.dropLast(), inputPiece: piece)
      }
    }
  }

  @Test func `a window of 128 MiB is accepted and a larger one refused`() async throws {
    let text = Array("content".utf8)
    let accepted = try await Program.check("zstd", ["-q", "-c", "--long=27"], input: text).output
    #expect(try decompress(accepted) == text)
    let refused = try await Program.check("zstd", ["-q", "-c", "--long=28"], input: text).output
    #expect(throws: DecompressionError.self) { try decompress(refused) }
  }
}
