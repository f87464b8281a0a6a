import Foundation
import OrderedJSON
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

  @Test func `what exists is left alone`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    try place.directory.write("mine", to: "out/file")
    let result = try await place.cooper(["helper", "fakeNss", "-o", place.directory.appending("out")])
    #expect(result.status == 1 && result.errors.contains("exists"), "\(result.errors)")
    #expect(try place.directory.names() == ["out"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.directory.appending("out")) == ["file"])
  }

  @Test(arguments: ["000", "077"])
  func `modes do not depend on the creation mask`(mask: String) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let command = "umask \(mask); exec \(try Program.builtTool) helper shadowSetup --bash /bin/bash -o out"
    try await Program.check("/bin/sh", ["-c", command], workingDirectory: place.directory.path)
    let listing = try await Program.check(
      "/bin/sh", ["-c", "find out -printf '%m %P\\n' | sort -k 2"], workingDirectory: place.directory.path)
    #expect(
      listing.text.split(separator: "\n").map(String.init) == [
        "755 ", "755 etc", "644 etc/group", "600 etc/gshadow", "644 etc/login.defs", "755 etc/pam.d",
        "644 etc/pam.d/other", "644 etc/passwd", "600 etc/shadow",
      ])
  }

  @Test(arguments: [
    ["helper"], ["helper", "fakeNss"], ["helper", "binSh", "--script", "--bash", "/bin/bash"],
    ["helper", "shadowSetup", "--script"], ["helper", "binSh", "-o", "x", "--extra-group-line", "a"],
    ["helper", "nonsense", "-o", "x"], ["spec", "nonsense"],
  ])
  func `wrong usage ends with status 2 and makes nothing`(arguments: [String]) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let result = try await Program.run(
      Program.builtTool, arguments, environment: ["HOME": place.home.path],
      workingDirectory: place.directory.path)
    #expect(result.status == 2 && result.output.isEmpty && !result.errors.isEmpty, "\(result.errors)")
    #expect(try place.directory.names().isEmpty)
  }

  @Test func `the list has every helper, as text and as JSON`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let text = try await place.cooper(["helper", "--list"]).text
    let json = try JSONValue(parsing: try await place.cooper(["helper", "--list", "--json"]).output)
    let names = ["usrBinEnv", "binSh", "caCertificates", "fakeNss", "shadowSetup"]
    #expect(text.split(separator: "\n").map { $0.prefix { $0 != " " } } == names.map { $0[...] })
    #expect(json.object?.names == names)
  }

  @Test func `the schema of a spec is printed as JSON`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let result = try await place.cooper(["spec", "layered"])
    #expect(result.status == 0 && result.errors.isEmpty)
    let schema = try JSONValue(parsing: result.output)
    #expect(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema")
    #expect(schema["required"] == ["name"] && schema["additionalProperties"] == false)
  }
}
