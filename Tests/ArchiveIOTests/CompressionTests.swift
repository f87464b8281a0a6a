import ArchiveIO
import TestSupport
import Testing

/// docker-archive-bytes.md, "Layers": what compression is recognised, and what is refused.
@Suite struct CompressionTests {
  @Test(
    arguments: [
      ([0x1f, 0x8b, 0x08], Compression.gzip), ([0x28, 0xb5, 0x2f, 0xfd], .zstd),
      ([0x42, 0x5a, 0x68], .bzip2),
      ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], .xz), ([0x1f, 0x8b, 0x08, 0xff, 0xff, 0xff, 0xff], .gzip),
      ([], .none), ([0x1f, 0x8b], .none), ([0x1f, 0x8b, 0x07], .none), ([0x28, 0xb5, 0x2f], .none),
      ([0x42, 0x5a], .none), ([0xfd, 0x37, 0x7a, 0x58, 0x5a], .none),
      ([0x50, 0x2a, 0x4d, 0x18, 0, 0], .none),
      ([0x00, 0x1f, 0x8b, 0x08], .none), ([0x61, 0x62, 0x63, 0x64, 0x65, 0x66], .none),
    ] as [([UInt8], Compression)])
  func `the first bytes tell`(bytes: [UInt8], expected: Compression) {
    #expect(Compression(firstBytes: bytes) == expected)
  }

  static let programs: [(Compression, [String])] = [
    (.gzip, ["gzip", "-n", "-c"]), (.gzip, ["gzip", "-1", "-c"]), (.gzip, ["pigz", "-9", "-c"]),
    (.zstd, ["zstd", "-q", "-c"]), (.zstd, ["zstd", "-q", "-19", "--no-check", "-c"]),
    (.bzip2, ["bzip2", "-c"]), (.xz, ["xz", "-T1", "-c"]), (.xz, ["xz", "--check=sha256", "-0", "-c"]),
  ]

  static func compress(_ bytes: [UInt8], _ command: [String]) async throws -> [UInt8] {
    try await Program.check(command[0], Array(command.dropFirst()), input: bytes).output
  }

  @Test(arguments: programs)
  func `what the program compressed comes back`(compression: Compression, command: [String]) async throws {
    for count in [0, 1, 511, 100_000, 3_000_000] {
      let bytes = pattern(count / 2) + [UInt8](repeating: 7, count: count - count / 2)
      let compressed = try await Self.compress(bytes, command)
      #expect(Compression(firstBytes: compressed) == compression)
      #expect(try decompress(compressed) == bytes, "\(count) bytes")
      #expect(
        try decompress(compressed, inputPiece: 1000, outputPiece: 333) == bytes, "\(count) bytes, in pieces")
    }
    let small = Array("some text, some text, some text".utf8)
    let compressed = try await Self.compress(small, command)
    for piece in 1...20 { #expect(try decompress(compressed, inputPiece: piece, outputPiece: 1) == small) }
  }

  @Test(arguments: programs)
  func `a stream that is cut anywhere is refused`(compression: Compression, command: [String]) async throws {
    let compressed = try await Self.compress(Array("not much, not much".utf8), command)
    let twice = compressed + compressed
    for count in 6..<compressed.count {
      for piece in [1, .max] {
        #expect(throws: DecompressionError.self, "\(count) of \(compressed.count)") {
          try decompress(Array(compressed[..<count]), inputPiece: piece)
        }
        #expect(throws: DecompressionError.self, "\(compressed.count) + \(count)") {
          try decompress(Array(twice[..<(compressed.count + count)]), inputPiece: piece)
        }
      }
    }
  }

  @Test(arguments: programs)
  func `several streams are one`(compression: Compression, command: [String]) async throws {
    let parts = [pattern(70_000), [], Array("x".utf8), pattern(3, seed: 5)]
    var compressed: [UInt8] = []
    for part in parts { compressed += try await Self.compress(part, command) }
    for piece in [1, 7, 1000, .max] {
      #expect(try decompress(compressed, inputPiece: piece) == Array(parts.joined()))
    }
  }

  @Test(arguments: programs, ["zeros", "text", "one zero", "a beginning"])
  func `something else behind the end is refused`(program: (Compression, [String]), kind: String) async throws
  {
    let compressed = try await Self.compress(Array("content".utf8), program.1)
    let junk: [UInt8] =
      switch kind {
      case "zeros": [UInt8](repeating: 0, count: 512)
      case "text": Array("some junk that is no stream".utf8)
      case "one zero": [0]
      default: [compressed[0]]
      }
    // xz allows zeros between and behind streams, in multiples of four.
    if program.0 == .xz, kind == "zeros" {
      #expect(try decompress(compressed + junk) == Array("content".utf8))
      return
    }
    for piece in [1, .max] {
      #expect(throws: DecompressionError.self) { try decompress(compressed + junk, inputPiece: piece) }
    }
  }

  @Test(arguments: programs)
  func `a result that is compressed itself is left alone`(compression: Compression, command: [String])
    async throws
  {
    let once = try await Self.compress(Array("content".utf8), command)
    #expect(try decompress(await Self.compress(once, command)) == once)
  }

  @Test(arguments: programs)
  func `a changed byte is refused`(compression: Compression, command: [String]) async throws {
    let bytes = pattern(2000)
    var compressed = try await Self.compress(bytes, command)
    compressed[compressed.count / 2] ^= 0x40
    // A zstd frame without a check sum may decode to something else, and nobody can tell.
    if command.contains("--no-check") { return }
    #expect(throws: DecompressionError.self) { try decompress(compressed) }
  }

  @Test func `a plain tar whose first name begins with BZh is an error`() {
    #expect(throws: DecompressionError.self) { try decompress(LayerBytes.tar("BZh9", "text")) }
    #expect(throws: DecompressionError.self) { try decompress(LayerBytes.tar("BZhello", "text")) }
  }

  @Test func `errors name the compression in one line`() {
    let error = #expect(throws: DecompressionError.self) {
      try decompress([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 7])
    }
    #expect(error?.compression == .gzip)
    #expect(error?.description.contains("\n") == false)
  }
}
