import ArchiveIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct NewFileTests {
  private func fill(_ new: NewFile, _ bytes: [UInt8]) throws {
    let writer = BlockWriter(new.file, pool: BlockPool(blockSize: 4096, limit: 2))
    try writer.append(bytes)
    try writer.finish()
  }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  @Test(arguments: Place.allCases)
  func `nothing can be seen before the file is complete, and nothing stays of one that is dropped`(
    place: Place
  ) throws {
    let test = try place.directory()
    defer { test.remove() }
    do {
      let dropped = try NewFile(at: test.path("out"))
      try fill(dropped, [1, 2, 3])
      #expect(try test.directory.names().isEmpty)
    }
    #expect(try test.directory.names().isEmpty)
    let kept = try NewFile(at: test.path("out"))
    try fill(kept, [4, 5])
    #expect(try test.directory.names().isEmpty)
    try kept.commit()
    #expect(try test.directory.names() == ["out"])
    #expect(try test.directory.read("out") == [4, 5])
  }

  @Test(arguments: Place.allCases)
  func `a file of that name is replaced, and whoever has it open keeps the old one`(place: Place) throws {
    let test = try place.directory()
    defer { test.remove() }
    try test.directory.write("old", to: "out")
    let old = try FileDescriptor.open(test.path("out"), .readOnly)
    defer { try? old.close() }
    let new = try NewFile(at: test.path("out"))
    try fill(new, Array("new".utf8))
    #expect(try test.directory.read("out") == Array("old".utf8))
    try new.commit()
    #expect(try test.directory.read("out") == Array("new".utf8))
    #expect(try test.directory.names() == ["out"])
    var buffer = [UInt8](repeating: 0, count: 10)
    let count = try buffer.withUnsafeMutableBytes { try old.read(into: $0) }
    #expect(Array(buffer[..<count]) == Array("old".utf8))
  }

  @Test func `a link in the way is replaced and not followed`() throws {
    let test = try Place.disk.directory()
    defer { test.remove() }
    try test.directory.write("target", to: "target")
    #expect(symlink("target", test.path("out").string) == 0)
    let new = try NewFile(at: test.path("out"))
    try fill(new, [1])
    try new.commit()
    #expect(try test.directory.read("target") == Array("target".utf8))
    #expect(try test.directory.read("out") == [1])
  }

  @Test func `a directory in the way is an error, and nothing is left beside it`() throws {
    let test = try Place.disk.directory()
    defer { test.remove() }
    try test.directory.write("x", to: "out/x")
    let new = try NewFile(at: test.path("out"))
    let error = #expect(throws: FileError.self) { try new.commit() }
    #expect(error?.path == test.path("out").string)
    #expect(try test.directory.names() == ["out"])
  }

  @Test(arguments: ["/nonexistent/out", "/proc/out", "/sys/out"])
  func `a place where nothing can be created is named in the error`(path: String) {
    let error = #expect(throws: FileError.self) { try NewFile(at: FilePath(path)) }
    #expect(error?.description.contains(String(path.dropLast(4))) == true)
  }

  @Test func `a path without a directory is in the current one`() throws {
    let name = "cooper-test-\(getpid())"
    defer { unlink(name) }
    let new = try NewFile(at: FilePath(name))
    try fill(new, [1])
    try new.commit()
    #expect(access(name, R_OK) == 0)
    let again = try NewFile(at: FilePath(name))
    try fill(again, [2])
    try again.commit()
    let descriptor = try FileDescriptor.open(FilePath(name), .readOnly)
    var byte: [UInt8] = [0]
    _ = try byte.withUnsafeMutableBytes { try descriptor.read(into: $0) }
    try descriptor.close()
    #expect(byte == [2])
  }

  @Test func `permissions follow the mask`() async {
    // In a process of its own, since the mask belongs to all threads.
    await #expect(processExitsWith: .success) {
      umask(0o027)
      for place in Place.allCases {
        let test = try place.directory()
        defer { test.remove() }
        for permissions in [0o666, 0o644, 0o777, 0o600] as [mode_t] {
          let path = test.path("out-\(permissions)")
          try NewFile(at: path, permissions: FilePermissions(rawValue: permissions)).commit()
          var status = stat()
          guard stat(path.string, &status) == 0, status.st_mode & 0o7777 == permissions & ~0o027 else {
            exit(1)
          }
        }
      }
      let mask = umask(0)
      exit(mask == 0o027 ? 0 : 1)
    }
  }

  @Test func `temporary names are hidden, beside the final one and never the same`() {
    let names = (0..<100).map { _ in NewFile.temporaryPath(for: "/a/b/out.tar").string }
    #expect(Set(names).count == 100)
    #expect(names.allSatisfy { $0.hasPrefix("/a/b/.out.tar.") })
    #expect(NewFile.temporaryPath(for: "out.tar").string.hasPrefix(".out.tar."))
  }
}
