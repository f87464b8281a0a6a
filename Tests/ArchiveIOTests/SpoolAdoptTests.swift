@testable import ArchiveIO
import Hashing
import SystemPackage
import TestSupport
import Testing

/// What an earlier process left is hashed, and taken up as far as it can be.
@Suite struct SpoolAdoptTests {
  private static let block = Spool.blockSize

  private func spool(with bytes: [UInt8], in directory: TemporaryDirectory) throws -> Spool {
    let path = try directory.write(bytes, to: "partial")
    let descriptor = try FileDescriptor.open(FilePath(path), .readWrite)
    return Spool(file: DirectFile(owning: descriptor, path: path), algorithm: .sha256)
  }

  @Test(arguments: [
    0, 1, block - 1, block, block + 1, 4 * block - 1, 4 * block, 4 * block + 4096, 4 * block + 77,
  ])
  func `whole blocks of a partial file are taken, and the rest is fetched`(found: Int) throws {
    let taken = Int64(found / Self.block * Self.block)
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let blob = pattern(5 * Self.block + 99)
    for size in [Int64(blob.count), nil] {
      let spool = try spool(with: Array(blob[..<found]), in: directory)
      try spool.adopt(completeByteCount: size)
      #expect(spool.receivedByteCount == taken)
      let digest = try SpoolSender(spool: spool).sendAll(Array(blob[Int(taken)...]), piece: 16 * 1024)
      #expect(digest == Digest(of: blob))
      #expect(try spool.makeReader().drain() == blob)
      #expect(try directory.read("partial") == blob)
    }
  }

  @Test(arguments: [1, 4095, 4096, 4097, block - 1, block, block + 1, 3 * block + 77])
  func `a complete file of any length is taken as it is`(count: Int) throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let spool = try spool(with: pattern(count), in: directory)
    try spool.adopt(completeByteCount: Int64(count))
    #expect(spool.receivedByteCount == Int64(count))
    #expect(try spool.digest() == Digest(of: pattern(count)))
    spool.complete()
    #expect(try spool.makeReader().drain() == pattern(count))
    #expect(try spool.suffix(4) == Array(pattern(count).suffix(4)))
    #expect(try directory.read("partial") == pattern(count))
  }

  @Test(arguments: [10, block, block + 3], [1, 20, block, 2 * block])
  func `a file that is longer than the blob has the wrong digest, and a restart mends that`(
    count: Int, excess: Int
  ) throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let blob = pattern(count)
    let spool = try spool(with: pattern(count + excess), in: directory)
    try spool.adopt(completeByteCount: Int64(count))
    if spool.receivedByteCount >= Int64(count), spool.receivedByteCount != Int64(count) {
      #expect(try spool.digest() != Digest(of: blob))
      try spool.restart()
    }
    let missing = Array(blob[Int(spool.receivedByteCount)...])
    #expect(try SpoolSender(spool: spool).sendAll(missing, piece: 1000) == Digest(of: blob))
    #expect(try directory.read("partial") == blob)
  }

  @Test func `wrong bytes of an earlier process are replaced after a restart`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let blob = pattern(3 * Self.block)
    let spool = try spool(with: pattern(2 * Self.block, seed: 7), in: directory)
    try spool.adopt(completeByteCount: Int64(blob.count))
    let sender = SpoolSender(spool: spool)
    try sender.send(Array(blob[(2 * Self.block)...]), piece: 16_384)
    #expect(try spool.digest() != Digest(of: blob))
    try spool.restart()
    #expect(try sender.sendAll(blob, piece: 16_384) == Digest(of: blob))
    #expect(try directory.read("partial") == blob)
  }
}

extension DirectFile {
  /// A file that cannot be written.
  static func readOnly(_ path: String) throws -> DirectFile {
    DirectFile(owning: try FileDescriptor.open(FilePath(path), .readOnly), path: path)
  }
}
