import ArchiveIO
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Archives are opened whatever they are compressed with and wherever they come from.
@Suite struct PlainFileTests {
  static let archive = TarBytes.archive([.init("first", pattern(200_000)), .init("BZh", text: "x")])
  static let programs = [["gzip", "-c"], ["zstd", "-q", "-c"], ["bzip2", "-c"], ["xz", "-c"]]

  static func content(_ file: DirectFile) throws -> [UInt8] {
    try FileRange(whole: file).readAll(limit: 1 << 24)
  }

  @Test(arguments: programs) func `a compressed archive is decompressed into a nameless file`(
    command: [String]
  ) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let compressed = try await CompressionTests.compress(Self.archive, command)
    let path = try directory.write(compressed, to: "archive")
    let scratch = try TemporaryDirectory()
    defer { scratch.remove() }
    let file = try PlainFile(scratch: FilePath(scratch.path)).open(FilePath(path))
    #expect(try Self.content(file) == Self.archive)
    #expect(try TarIndex(file).file("first")?.readAll(limit: 1 << 20) == pattern(200_000))
    #expect(try scratch.names() == [])
  }

  @Test(arguments: [["cat"]] + programs) func `an archive is read from a pipe`(command: [String]) async throws
  {
    let bytes = try await CompressionTests.compress(Self.archive, command)
    let scratch = try TemporaryDirectory()
    defer { scratch.remove() }
    let pipe = try FileDescriptor.pipe()
    defer { try? pipe.readEnd.close() }
    ArchiveIO.Thread.detach {
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = (try? rest.prefix(5000).withUnsafeBytes { try pipe.writeEnd.write($0) }) ?? rest.count
        rest = rest.dropFirst(count)
      }
      try? pipe.writeEnd.close()
    }
    let file = try PlainFile(scratch: FilePath(scratch.path)).open(pipe.readEnd, name: "standard input")
    #expect(try Self.content(file) == Self.archive)
    #expect(file.path == "standard input")
    #expect(try scratch.names() == [])
  }

  @Test func `a plain file is used in place, also through a descriptor`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write(Self.archive, to: "archive")
    let nowhere = PlainFile(scratch: FilePath(directory.appending("missing")))
    #expect(try Self.content(nowhere.open(FilePath(path))) == Self.archive)
    let descriptor = try FileDescriptor.open(path, .readOnly)
    defer { try? descriptor.close() }
    #expect(try Self.content(nowhere.open(descriptor, name: "-")) == Self.archive)
  }

  @Test func `a descriptor in the middle of a file gives what is left`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write([1, 2, 3] + Self.archive, to: "archive")
    let descriptor = try FileDescriptor.open(path, .readOnly)
    defer { try? descriptor.close() }
    try descriptor.seek(offset: 3, from: .start)
    let file = try PlainFile(scratch: FilePath(directory.path)).open(descriptor, name: "-")
    #expect(try Self.content(file) == Self.archive)
  }

  @Test func `a tar whose first name looks like bzip2 is a tar`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let archive = TarBytes.archive([.init("BZh91AY&SY", text: "x")])
    let path = try directory.write(archive, to: "archive")
    #expect(try Self.content(PlainFile(scratch: FilePath(directory.path)).open(FilePath(path))) == archive)
  }

  @Test(arguments: programs) func `a cut or damaged compressed archive is an error`(command: [String])
    async throws
  {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let compressed = try await CompressionTests.compress(Self.archive, command)
    let opener = PlainFile(scratch: FilePath(directory.path))
    for bytes in [
      Array(compressed.dropLast(5)), Array(compressed.prefix(20)), compressed + Array("junk".utf8),
    ] {
      let path = try directory.write(bytes, to: "archive")
      #expect(throws: DecompressionError.self) { try opener.open(FilePath(path)) }
    }
    #expect(try directory.names() == ["archive"])
  }

  @Test func `what grows beyond the limit is given up`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let bomb = try await CompressionTests.compress(
      [UInt8](repeating: 0, count: 20 << 20), ["zstd", "-q", "-c"])
    let path = try directory.write(bomb, to: "bomb")
    let opener = PlainFile(scratch: FilePath(directory.path), limit: 1 << 20)
    let error = #expect(throws: ScratchLimitExceeded.self) { try opener.open(FilePath(path)) }
    #expect(error?.name == path && error?.limit == 1 << 20)
    #expect(try directory.names() == ["bomb"])
  }

  @Test func `what is not there or a directory is a plain error`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let opener = PlainFile(scratch: FilePath(directory.path))
    #expect(throws: FileError("open", directory.appending("x"), .noSuchFileOrDirectory)) {
      try opener.open(FilePath(directory.appending("x")))
    }
    #expect(throws: FileError.self) { try opener.open(FilePath(directory.path)) }
  }
}
