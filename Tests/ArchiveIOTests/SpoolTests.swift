@testable import ArchiveIO
import Hashing
import TestSupport
import Testing

@Suite struct SpoolTests {
  private struct Cut: Error, Equatable {}

  static let block = Spool.blockSize

  private func inBackground<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) -> Task<
    Value, any Error
  > {
    Task { try await Thread.run(body) }
  }

  @Test(arguments: Place.allCases, [1, 1000, 16 * 1024, block - 1, block, block + 1, 5 * block])
  func `bytes in pieces of any size arrive whole, in the file too`(place: Place, piece: Int) throws {
    let test = try place.directory()
    defer { test.remove() }
    for count in [0, 1, 3000, Self.block - 1, Self.block, Self.block + 1, 7 * Self.block + 123]
    where count / piece < 50_000 {
      let bytes = pattern(count)
      let spool = try test.spool()
      #expect(try SpoolSender(spool: spool).sendAll(bytes, piece: piece) == Digest(of: bytes))
      #expect(spool.receivedByteCount == Int64(count))
      #expect(try spool.makeReader().drain() == bytes, "\(count) bytes")
      #expect(try spool.file.content() == bytes, "\(count) bytes")
    }
  }

  @Test(arguments: DigestAlgorithm.allCases)
  func `the digest is of the asked kind`(algorithm: DigestAlgorithm) throws {
    let test = try Place.disk.directory()
    defer { test.remove() }
    let digest = try SpoolSender(spool: test.spool(algorithm)).sendAll(pattern(1_000_000), piece: 9999)
    #expect(digest == Digest(of: pattern(1_000_000), algorithm: algorithm))
  }

  @Test(arguments: Place.allCases, [1000, 16 * 1024, 3 * block])
  func `readers get the bytes while they arrive, from memory or from the file`(place: Place, piece: Int)
    async throws
  {
    let test = try place.directory()
    defer { test.remove() }
    let spool = try test.spool()
    let bytes = pattern(9 * Self.block + 77)
    let ahead = inBackground { try spool.makeReader().drain() }
    let slow = inBackground { try spool.makeReader().drain(piece: 5000) }
    let single = inBackground { try BufferedSource(spool.makeReader(), capacity: 333).drain(piece: 100) }
    let half = bytes.count / 2
    let sender = SpoolSender(spool: spool)
    try await Thread.run { try sender.send(Array(bytes[..<half]), piece: piece) }
    let late = inBackground { try spool.makeReader().drain(piece: 1 << 20) }
    let digest = try await Thread.run { try sender.sendAll(Array(bytes[half...]), piece: piece) }
    #expect(digest == Digest(of: bytes))
    for task in [ahead, slow, single, late] {
      let reading = try await task.value
      #expect(reading == bytes)
    }
    #expect(try spool.makeReader().drain() == bytes)
  }

  @Test func `a reader may ask for a single byte at a time`() throws {
    let test = try Place.disk.directory()
    defer { test.remove() }
    let spool = try test.spool()
    _ = try SpoolSender(spool: spool).sendAll(pattern(3000), piece: 7)
    #expect(try spool.makeReader().drain(piece: 1) == pattern(3000))
  }

  @Test(arguments: [0, 1, 100_000, block, 3 * block, 6 * block + 5])
  func `a reader that waits learns of a restart, and another one reads the right bytes`(wrong: Int)
    async throws
  {
    let test = try Place.disk.directory()
    defer { test.remove() }
    let spool = try test.spool()
    let sender = SpoolSender(spool: spool)
    let isAtEnd = Promise<Void>()
    let reading = inBackground {
      let reader = spool.makeReader()
      if wrong > 0 {
        var buffer = [UInt8](repeating: 0, count: wrong)
        let count = try buffer.withUnsafeMutableBytes { try reader.readFully(into: $0) }
        #expect(Array(buffer[..<count]) == pattern(wrong, seed: 9))
      }
      isAtEnd.fulfil(.success(()))
      return try reader.drain()
    }
    try await Thread.run {
      try sender.send(pattern(wrong, seed: 9), piece: 16 * 1024)
      try isAtEnd.value()
      if wrong > 0 { _ = try spool.digest() }
      try spool.restart()
    }
    await #expect(throws: SpoolRestarted.self) { try await reading.value }
    #expect(spool.receivedByteCount == 0)
    let right = pattern(2 * Self.block + 9)
    #expect(try await Thread.run { try sender.sendAll(right, piece: 10_000) } == Digest(of: right))
    #expect(try spool.makeReader().drain() == right)
    #expect(try spool.file.content() == right)
  }

  @Test func `a reader from before a restart never gives bytes of after it`() throws {
    let test = try Place.disk.directory()
    defer { test.remove() }
    let spool = try test.spool()
    let sender = SpoolSender(spool: spool)
    try sender.send([UInt8](repeating: 1, count: 4 * Self.block), piece: 16 * 1024)
    let reader = spool.makeReader()
    var buffer = [UInt8](repeating: 0, count: 1000)
    _ = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) }
    try spool.restart()
    _ = try sender.sendAll([UInt8](repeating: 2, count: 4 * Self.block), piece: 16 * 1024)
    #expect(throws: SpoolRestarted.self) {
      while true {
        _ = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) }
        try #require(buffer.allSatisfy { $0 == 1 })
      }
    }
  }

  @Test func `a failure reaches readers that wait and those that come later`() async throws {
    let test = try Place.disk.directory()
    defer { test.remove() }
    let spool = try test.spool()
    let sender = SpoolSender(spool: spool)
    let reading = inBackground { try spool.makeReader().drain() }
    let waiting = inBackground { try spool.waitUntilComplete() }
    try sender.send(pattern(1000), piece: 100)
    spool.fail(Cut())
    await #expect(throws: Cut.self) { try await reading.value }
    await #expect(throws: Cut.self) { try await waiting.value }
    #expect(throws: Cut.self) { try spool.makeReader().drain() }
    // The first word counts.
    spool.complete()
    #expect(throws: Cut.self) { try spool.waitUntilComplete() }
  }

  @Test func `readers do not see the end before the bytes are said to be right`() async throws {
    let test = try Place.disk.directory()
    defer { test.remove() }
    let spool = try test.spool()
    let sender = SpoolSender(spool: spool)
    try sender.send(pattern(1000), piece: 1000)
    _ = try spool.digest()
    let isAtEnd = Promise<Void>()
    let end = inBackground {
      let reader = spool.makeReader()
      var buffer = [UInt8](repeating: 0, count: 1000)
      #expect(try buffer.withUnsafeMutableBytes { try reader.readFully(into: $0) } == 1000)
      isAtEnd.fulfil(.success(()))
      return try reader.drain()
    }
    try await Thread.run { try isAtEnd.value() }
    spool.fail(Cut())
    await #expect(throws: Cut.self) { try await end.value }
  }

  @Test(arguments: [0, 3, 4, 4095, 4096, 4098, block, 3 * block + 2], [1, 4, 4096])
  func `the last bytes can be had`(count: Int, suffix: Int) throws {
    let test = try Place.disk.directory()
    defer { test.remove() }
    let spool = try test.spool()
    _ = try SpoolSender(spool: spool).sendAll(pattern(count), piece: 5000)
    #expect(try spool.suffix(suffix) == Array(pattern(count).suffix(suffix)))
  }

  /// A disk that is full must not leave the sender waiting for room.
  @Test(arguments: 1...50)
  func `a file that cannot be written is an error and never a pause without end`(number: Int) throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write("x", to: "read-only")
    let spool = Spool(file: try .readOnly(path), algorithm: .sha256)
    let piece = [1000, 16 * 1024, Self.block, 20 * Self.block][number % 4]
    #expect(throws: FileError.self) {
      _ = try SpoolSender(spool: spool).sendAll(pattern(24 * Self.block), piece: piece)
    }
  }

  @Test func `a restart forgets that the file could not be written`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write("x", to: "read-only")
    let spool = Spool(file: try .readOnly(path), algorithm: .sha256)
    #expect(throws: FileError.self) {
      _ = try SpoolSender(spool: spool).sendAll(pattern(2_000_000), piece: 16_384)
    }
    // This file cannot be cut either, but that is said at once.
    #expect(throws: FileError.self) { try spool.restart() }
    #expect(spool.receivedByteCount == 0)
    let small = pattern(10)
    #expect(try spool.receive(small.span.bytes))
  }
}
