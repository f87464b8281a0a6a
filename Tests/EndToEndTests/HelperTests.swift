import Foundation
import TestSupport
import Testing

/// `cooper helper`: the files of nix-dockertools.md, section 11.
@Suite struct HelperTests {
  private static func withHelper(
    _ arguments: [String], _ body: (Program.Result, Workplace) throws -> Void
  ) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let result = try await place.cooper(["helper"] + arguments + ["-o", place.directory.appending("out")])
    try body(result, place)
  }

  @Test func `fakeNss has root, nobody and the lines between`() async throws {
    try await Self.withHelper(["fakeNss", "--extra-passwd-line", "app:x:7:7::/data:/bin/sh"]) {
      result, place in
      #expect(result.status == 0, "\(result.errors)")
      func text(_ path: String) throws -> String {
        String(decoding: try place.directory.read("out/" + path), as: UTF8.self)
      }
      let passwd = try text("etc/passwd")
      #expect(
        passwd
          == "root:x:0:0:root user:/var/empty:/bin/sh\napp:x:7:7::/data:/bin/sh\nnobody:x:65534:65534:nobody:/var/empty:/bin/sh\n"
      )
      let group = try text("etc/group")
      #expect(group == "root:x:0:\nnobody:x:65534:\n")
      let services = try text("etc/nsswitch.conf")
      #expect(services == "hosts: files dns\n")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: place.directory.appending("out/var/empty")) == [])
    }
  }

  @Test(arguments: [
    (
      ["binSh", "--bash", "/nix/store/00000000000000000000000000000000-bash"], "bin/sh",
      "/nix/store/00000000000000000000000000000000-bash/bin/bash"
    ),
    (["binSh", "--bash", "/bin/dash"], "bin/sh", "/bin/dash"),
    (["usrBinEnv", "--coreutils", "/bin/env"], "usr/bin/env", "/bin/env"),
  ])
  func `a helper is a link`(arguments: [String], path: String, target: String) async throws {
    try await Self.withHelper(arguments) { result, place in
      #expect(result.status == 0, "\(result.errors)")
      let link = place.directory.appending("out/" + path)
      let found = try FileManager.default.destinationOfSymbolicLink(atPath: link)
      #expect(found == target)
    }
  }

  @Test(arguments: [
    (["binSh"], "bash"), (["binsh"], "binSh"), (["binSh", "--bash", "/bin/sh"], "to itself"),
  ])
  func `what cannot be is told, and nothing is made`(arguments: [String], word: String) async throws {
    try await Self.withHelper(arguments) { result, place in
      #expect(result.status == 2)
      #expect(result.errors.contains(word), "\(result.errors)")
      let names = try place.directory.names()
      #expect(names == [])
    }
  }
}
