@testable import ArchiveIO
import SystemPackage
import TestSupport
import Testing

@Suite struct BlockWriterTests {
  /// A writer with small blocks, and what its file must contain.
  private final class Checked {
    let file: DirectFile
    let writer: BlockWriter
    private(set) var expected: [UInt8] = []

    init(_ file: DirectFile) {
      self.file = file
      writer = BlockWriter(file, pool: BlockPool(blockSize: 8192, limit: 4))
    }

    func append(_ count: Int, seed: UInt64 = 1) throws {
      let bytes = pattern(count, seed: seed)
      try writer.append(bytes)
      expected += bytes
    }

    func patch(_ count: Int, at offset: Int, seed: UInt64 = 2) {
      let bytes = pattern(count, seed: seed)
      writer.patch(bytes, at: Int64(offset))
      expected.replaceSubrange(offset..<offset + count, with: bytes)
    }

    func rewind(to offset: Int) throws {
      try writer.seek(to: Int64(offset))
      expected.removeLast(expected.count - offset)
    }

    func check(_ comment: Comment? = nil) throws {
      #expect(writer.position == Int64(expected.count))
      try writer.finish()
      let content = try file.content()
      #expect(content.count == expected.count, comment)
      #expect(content == expected, comment)
    }
  }

  private func onEveryPlace(_ body: (Checked) throws -> Void) throws {
    for place in Place.allCases {
      let directory = try place.directory()
      defer { directory.remove() }
      try body(Checked(try directory.file()))
    }
  }

  @Test(arguments: [0, 1, 511, 512, 4095, 4096, 4097, 8191, 8192, 8193, 40_960, 100_001])
  func `a file has exactly the appended bytes`(count: Int) throws {
    try onEveryPlace { checked in
      try checked.append(count)
      try checked.check()
    }
  }

  @Test(arguments: [0, 1, 8000, 8190, 8192, 20_000, 29_990])
  func `a place may be patched before and after it reached the file`(offset: Int) throws {
    try onEveryPlace { checked in
      try checked.append(30_000)
      checked.patch(10, at: offset, seed: 3)
      try checked.writer.flush()
      #expect(Array(try checked.file.content()[..<30_000]) == checked.expected)
      checked.patch(4, at: offset + 3, seed: 4)
      try checked.append(10_000)
      try checked.check()
    }
  }

  @Test func `later patches win, and a patch of the memory's block survives more bytes`() throws {
    try onEveryPlace { checked in
      try checked.append(9000)
      checked.patch(100, at: 8150, seed: 5)
      checked.patch(100, at: 8170, seed: 6)
      try checked.writer.flush()
      try checked.append(20_000)
      try checked.check()
    }
  }

  @Test(arguments: [0, 1, 4096, 8191, 8192, 8193, 16_384, 20_000, 24_999, 25_000])
  func `the end may be taken back, into memory and into the file`(offset: Int) throws {
    try onEveryPlace { checked in
      try checked.append(25_000)
      try checked.rewind(to: offset)
      try checked.append(3000, seed: 7)
      try checked.rewind(to: offset + 1000)
      try checked.append(9000, seed: 8)
      try checked.check()
    }
  }

  @Test func `patches before the new end stay, and later ones are gone`() throws {
    try onEveryPlace { checked in
      try checked.append(20_000)
      checked.patch(10, at: 5, seed: 9)
      checked.patch(10, at: 9_995, seed: 10)
      checked.patch(10, at: 15_000, seed: 11)
      try checked.rewind(to: 10_000)
      try checked.append(10_000, seed: 12)
      try checked.check()
    }
  }

  @Test(arguments: [(0, 0), (1, 512), (512, 512), (513, 1024), (8191, 8192)])
  func `padding is zeros up to the unit`(count: Int, padded: Int64) throws {
    try onEveryPlace { checked in
      try checked.append(count)
      try checked.writer.pad(to: 512)
      #expect(checked.writer.position == padded)
      try checked.writer.finish()
      #expect(
        try checked.file.content() == checked.expected + [UInt8](repeating: 0, count: Int(padded) - count))
    }
  }

  @Test func `a filled part stays as it is while the writer goes on`() throws {
    try onEveryPlace { checked in
      var parts: [(FilledPart, [UInt8])] = []
      for number in 0..<3 {
        let part = try checked.writer.append { space in
          space.copyBytes(from: pattern(100, seed: UInt64(number)))
          return 100
        }
        parts.append((part, pattern(100, seed: UInt64(number))))
        try checked.writer.seek(to: Int64(50 * number + 50))
      }
      for (part, bytes) in parts {
        #expect(part.byteCount == 100)
        #expect(part.withBytes { Array($0.withUnsafeBytes { $0 }) } == bytes)
      }
    }
  }

  @Test func `an error of the filler leaves the writer as it was`() throws {
    struct Refusal: Error {}
    try onEveryPlace { checked in
      try checked.append(100)
      #expect(throws: Refusal.self) { try checked.writer.append { _ in throw Refusal() } }
      try checked.append(100, seed: 2)
      try checked.check()
    }
  }

  @Test func `a file that cannot be written gives an error`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write("x", to: "read-only")
    let descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
    let writer = BlockWriter(
      DirectFile(owning: descriptor, path: path), pool: BlockPool(blockSize: 8192, limit: 4))
    try writer.append([1, 2, 3])
    let error = #expect(throws: FileError.self) { try writer.finish() }
    #expect(error?.operation == "write")
    #expect(error?.path == path)
  }

  @Test(arguments: 1...40)
  func `any order of operations gives the bytes that a list would`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    try onEveryPlace { checked in
      for _ in 0..<random.number(in: 1...40) {
        let count = checked.expected.count
        switch random.number(in: 0...9) {
        case 0 where count > 0:
          let offset = random.number(in: 0...count - 1)
          checked.patch(random.number(in: 0...min(600, count - offset)), at: offset, seed: random.next())
        case 1: try checked.rewind(to: random.number(in: 0...count))
        case 2: try checked.writer.flush()
        default:
          try checked.append(
            random.number(in: 0...random.pick([10, 600, 9000, 20_000])), seed: random.next())
        }
      }
      try checked.check("seed \(seed)")
    }
  }
}
