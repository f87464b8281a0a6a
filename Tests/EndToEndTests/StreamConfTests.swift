import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// `cooper stream conf` against a program of our own on CPython's tarfile, which does what nixpkgs' script does (promise P2).
@Suite struct StreamConfTests {
  private static let yardstick =
    #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/stream-yardstick.py"

  private static func expectSame(
    _ configuration: String, in place: Workplace, options: [String] = [], _ comment: Comment
  ) async throws -> [UInt8] {
    try Program.require("python3", package: "python3")
    let tag = options.last.map { [$0] } ?? []
    let expected = try await Program.check("python3", [yardstick, configuration] + tag)
    // The first run makes each layer twice, the second remembers; a file is made in another way than a pipe.
    for round in 1...2 {
      let piped = try await place.cooper(["stream", "conf", configuration] + options)
      #expect(piped.status == 0, comment)
      #expect(piped.errors == expected.errors, "\(comment), round \(round)")
      #expect((piped.output == expected.output) as Bool, "\(comment), round \(round)")
    }
    let path = place.directory.appending("out.tar")
    for cache in ["--no-layer-cache", "--layer-cache"] {
      let written = try await place.cooper(["stream", "conf", configuration, "-o", path, cache] + options)
      #expect(written.status == 0 && written.errors == expected.errors, "\(comment): \(written.errors)")
      #expect(try (place.directory.read("out.tar") == expected.output) as Bool, "\(comment) \(cache)")
    }
    return expected.output
  }

  @Test(arguments: [UInt64](1...12).map { $0 &+ UInt64(getpid()) &* 1000 })
  func `random store paths give the script's bytes and words`(seed: UInt64) async throws {
    var store = try await StreamStore(seed: seed)
    defer { store.place.remove() }
    _ = try await Self.expectSame(store.configuration(), in: store.place, "seed \(seed)")
  }

  @Test(arguments: [nil, "gzip", "bzip2", "xz"])
  func `a base image's layers and variables come first`(compressor: String?) async throws {
    var store = try await StreamStore(seed: 4711)
    defer { store.place.remove() }
    let first = try await Self.expectSame(store.configuration(), in: store.place, "without base")
    var base = store.place.directory.appending("base.tar")
    try Data(first).write(to: URL(fileURLWithPath: base))
    if let compressor {
      try await Program.check(compressor, [base])
      base += [".gz", ".bz2", ".xz"][["gzip", "bzip2", "xz"].firstIndex(of: compressor) ?? 0]
    }
    _ = try await Self.expectSame(
      store.configuration(base: base), in: store.place, options: ["--repo_tag", "other.example/name:1"],
      "base")
  }

  @Test func `what changed since its digest was taken leaves no output`() async throws {
    var store = try await StreamStore(seed: 99)
    defer { store.place.remove() }
    let configuration = try store.configuration()
    let layer = store.place.directory.appending("store/customisation/checksum")
    try Data(String(repeating: "0", count: 64).utf8).write(to: URL(fileURLWithPath: layer))
    let path = store.place.directory.appending("out.tar")
    let result = try await store.place.cooper(["stream", "conf", configuration, "-o", path, "--quiet"])
    #expect(result.status == 3)
    #expect(result.errors.contains("expected sha256:0000"), "\(result.errors)")
    #expect(!store.place.directory.contains("out.tar"))
  }

  @Test(arguments: [
    ("\"store_dir\": 1", 1, "“store_dir”"), ("\"created\": \"yesterday\"", 1, "“created” is “yesterday”"),
    ("\"store_layers\": [\"/a\"]", 1, "“store_layers”"),
    ("\"store_layers\": [[\"/etc/passwd\"]]", 1, "/etc/passwd is not in"),
    ("\"from_image\": \"/nowhere.tar\"", 4, "/nowhere.tar"),
  ])
  func `a member that cannot be is named`(member: String, status: Int32, message: String) async throws {
    var store = try await StreamStore(seed: 7)
    defer { store.place.remove() }
    let path = try store.configuration()
    var document = try #require(
      try JSONValue(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))).object)
    let change = try #require(try JSONValue(parsing: Array("{\(member)}".utf8)).object)
    for entry in change.members { document[entry.name] = entry.value }
    try Data(JSONValue.object(document).serialized()).write(to: URL(fileURLWithPath: path))
    let result = try await store.place.cooper(["stream", "conf", path])
    #expect(result.status == status, "\(result.errors)")
    #expect(result.errors.contains(message), "\(result.errors)")
    #expect(result.output.isEmpty)
  }
}
