import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// `push` and `copy` into Debian's registry, with skopeo reading what is there.
@Suite struct PushTests {
  private static let testdata =
    #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image"

  private static func check(_ place: Workplace, _ arguments: [String]) async throws -> String {
    let result = try await place.cooper(arguments)
    #expect(result.status == 0, "\(arguments): \(result.errors)")
    return result.text
  }

  /// The number of uploads that were begun and of those that a mount answered, by the registry's log.
  private static func uploads(_ registry: RegistryServer) async throws -> Int {
    try await registry.requests().filter { $0.method == "PUT" && $0.path.contains("/blobs/uploads/") }.count
  }

  @Test func `an index arrives with every byte, and the second push sends no blob`() async throws {
    try Program.require("skopeo", package: "skopeo")
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let source = "oci:\(Self.testdata):1.35"
    let target = "\(registry.address)/a/b:1"
    _ = try await Self.check(place, ["push", source, target, "--all", "--tag", "2"])
    let expected = Digest(of: try await Program.check("skopeo", ["inspect", "--raw", source]).output)
    for tag in ["1", "2"] {
      let digest = try await Self.check(place, ["digest", "\(registry.address)/a/b:\(tag)"])
      #expect(digest == expected.description)
    }
    #expect(try await Self.check(place, ["verify", target]).contains("2 images, 4 layers"))
    let first = try await Self.uploads(registry)
    #expect(first == 6)
    _ = try await Self.check(place, ["push", source, target, "--all"])
    #expect(try await Self.uploads(registry) == first)
  }

  @Test func `a copy within the registry mounts, and moves no blob`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    _ = try await Self.check(
      place, ["push", "oci:\(Self.testdata):1.35", "\(registry.address)/one:1", "--all"])
    let before = try await Self.uploads(registry)
    _ = try await Self.check(
      place, ["copy", "\(registry.address)/one:1", "docker://\(registry.address)/two:1", "--all"])
    #expect(try await Self.uploads(registry) == before)
    let blobGets = try await registry.requests().filter { $0.method == "GET" && $0.path.contains("/blobs/") }
    #expect(blobGets.isEmpty)
    #expect(
      try await Self.check(place, ["digest", "\(registry.address)/one:1"])
        == Self.check(place, ["digest", "\(registry.address)/two:1"]))
  }

  @Test func `a docker-archive is pushed with gzip layers whose diff IDs are the same`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let archive = place.directory.appending("a.tar")
    _ = try await Self.check(
      place, ["copy", "oci:\(Self.testdata):1.35", "docker-archive:\(archive):a:1", "--arch", "amd64"])
    _ = try await Self.check(place, ["push", archive, "\(registry.address)/x:1"])
    let facts = try JSONValue(
      parsing: Array(try await Self.check(place, ["inspect", "\(registry.address)/x:1", "--json"]).utf8))
    let original = try JSONValue(
      parsing: Array(
        try await Self.check(place, ["inspect", "oci:\(Self.testdata):1.35", "--json", "--arch", "amd64"])
          .utf8))
    func diffIDs(_ value: JSONValue) -> [String?] {
      (value["layers"]?.array ?? []).map { $0["diffID"]?.string }
    }
    #expect(diffIDs(facts) == diffIDs(original) && diffIDs(facts).count == 2)
    #expect(
      (facts["layers"]?.array ?? []).allSatisfy { $0["mediaType"]?.string?.hasSuffix("gzip") == true })
    #expect(try await Self.check(place, ["verify", "\(registry.address)/x:1"]).contains("as promised"))
  }

  @Test func `a damaged blob is found before the manifest is put`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let layout = place.directory.appending("layout")
    _ = try await Self.check(
      place, ["copy", "oci:\(Self.testdata):1.35", "oci:\(layout):x", "--arch", "amd64"])
    let facts = try JSONValue(
      parsing: Array(try await Self.check(place, ["inspect", "oci:\(layout):x", "--json"]).utf8))
    let digest = try #require(facts["layers"]?.array?.first?["digest"]?.string)
    let name = "layout/blobs/sha256/\(digest.dropFirst("sha256:".count))"
    var bytes = try place.directory.read(name)
    bytes[100] ^= 1
    _ = try place.directory.write(bytes, to: name)
    let result = try await place.cooper(["push", "oci:\(layout):x", "\(registry.address)/bad:1"])
    #expect(result.status == 3, "\(result.errors)")
    #expect(result.errors.contains(digest))
    let tags = try await place.cooper(["tags", "\(registry.address)/bad"])
    #expect(tags.status != 0 || tags.text.isEmpty)
  }
}
