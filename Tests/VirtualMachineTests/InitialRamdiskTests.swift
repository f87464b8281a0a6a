import ArchiveIO
import SystemPackage
import TestSupport
import Testing
import VirtualMachine

/// Archives as Debian's `cpio` reads them.
@Suite struct InitialRamdiskTests {
  private static func bytes(_ archive: InitialRamdisk) throws -> [UInt8] {
    let source = archive.open()
    var bytes: [UInt8] = []
    // An odd size, so that headers, contents and padding are all cut somewhere.
    var piece = [UInt8](repeating: 0, count: 37)
    while true {
      let count = try piece.withUnsafeMutableBytes { try source.read(into: $0) }
      if count == 0 { return bytes }
      bytes += piece.prefix(count)
    }
  }

  @Test func `cpio finds everything that was put in`() async throws {
    try Program.require("cpio", package: "cpio")
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let program = try directory.write(pattern(300_001), to: "program")
    var archive = InitialRamdisk()
    archive.addFile("init", copying: FilePath(program), mode: 0o755)
    archive.addDevice("dev/console", TarDevice(major: 5, minor: 1))
    archive.addDirectory("proc", mode: 0o555)
    // Lengths around a multiple of four, where padding goes wrong.
    for length in 0...5 {
      archive.addFile("lib/some/\(String(repeating: "n", count: length + 1))", pattern(length), mode: 0o600)
    }
    let bytes = try Self.bytes(archive)
    #expect(bytes == (try Self.bytes(archive)))

    let list = try await Program.check("cpio", ["-tv", "--numeric-uid-gid"], input: bytes)
    let lines = list.text.split(separator: "\n").map {
      $0.split(separator: " ", omittingEmptySubsequences: true)
    }
    #expect(
      lines.compactMap(\.last) == ["init", "dev", "dev/console", "proc", "lib", "lib/some"]
        + (1...6).map { "lib/some/" + String(repeating: "n", count: $0) }[...].map { Substring($0) })
    #expect(lines.first.map { $0.prefix(5).joined(separator: " ") } == "-rwxr-xr-x 1 0 0 300001")
    #expect(lines[2].prefix(6).joined(separator: " ") == "crw------- 1 0 0 5, 1")
    #expect(lines[3].first == "dr-xr-xr-x")

    let target = try TemporaryDirectory()
    defer { target.remove() }
    try await Program.check(
      "cpio", ["-id", "--quiet", "init", "lib*"], input: bytes, workingDirectory: target.path)
    #expect(try target.read("init") == pattern(300_001))
    for length in 0...5 {
      #expect(try target.read("lib/some/\(String(repeating: "n", count: length + 1))") == pattern(length))
    }
  }

  @Test func `a file that is not there is named`() throws {
    var archive = InitialRamdisk()
    archive.addFile("init", copying: "/nowhere/program")
    let error = #expect(throws: FileError.self) { try Self.bytes(archive) }
    #expect(error?.path == "/nowhere/program")
  }
}
