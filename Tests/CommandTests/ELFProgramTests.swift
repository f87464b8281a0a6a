import Foundation
import TestSupport
import Testing

@testable import cooper

/// Programs that get a loader and libraries of their own.
@Suite struct ELFProgramTests {
  private static func builtTool() throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: Program.builtTool)))
  }

  @Test func `a changed program runs with the loader that it was given`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    // Nothing but the loader: the libraries are where the linker has left the path to.
    let list = try await Program.check("ldd", [Program.builtTool]).text
    let loader = try #require(
      list.split(separator: "\n").map { $0.split(separator: " ")[0] }.first { $0.contains("/ld-") })
    let name = directory.appending("a-loader-with-a-name-that-is-longer-than-the-old-one")
    let path = loader.trimmingCharacters(in: .whitespaces)
    try await Program.check("cp", ["--dereference", path, name])
    var program = try ELFProgram(Self.builtTool(), path: "cooper")
    try program.setLoader(name)
    // Another process writes it: one that a child of this one has open for writing cannot be started.
    let (bytes, copy) = (try directory.write(program.bytes, to: "bytes"), directory.appending("cooper"))
    try await Program.check("install", ["--mode=755", bytes, copy])
    #expect(try await Program.check(copy, ["--version"]).text == "0.1.0")
    // The kernel does not find it any more.
    try FileManager.default.removeItem(atPath: name)
    #expect(try await Program.run("/bin/sh", ["-c", "\"$1\" --version", "sh", copy]).status != 0)
  }

  @Test func `what is no program, or only a part of one, is refused`() throws {
    let whole = try Self.builtTool()
    #expect(throws: UsageError.self) { try ELFProgram([], path: "x") }
    #expect(throws: UsageError.self) { try ELFProgram(Array("#!/bin/sh\n".utf8), path: "x") }
    #expect(throws: UsageError.self) { try ELFProgram(Array(whole.prefix(100)), path: "x") }
    var header = Array(whole.prefix(4096))
    for index in 32..<40 { header[index] = 0xFF }
    #expect(throws: UsageError.self) { try ELFProgram(header, path: "x") }
  }
}
