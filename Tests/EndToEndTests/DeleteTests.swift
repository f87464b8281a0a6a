import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// `delete`, `catalog` and `gc`.
@Suite struct DeleteTests {
  private static let source = "oci:\(LayersTests.testdata):1.35"

  private func withRegistry(_ body: (RegistryServer, Workplace) async throws -> Void) async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    try await body(registry, place)
  }

  private func check(_ place: Workplace, _ arguments: [String]) async throws -> String {
    let result = try await place.cooper(arguments)
    #expect(result.status == 0, "\(arguments): \(result.errors)")
    return result.text
  }

  @Test func `by digest a manifest goes with its tags`() async throws {
    try await withRegistry { registry, place in
      let name = "\(registry.address)/a"
      _ = try await check(place, ["push", Self.source, "\(name):1", "--all", "--tag", "2"])
      let digest = try await check(place, ["digest", "\(name):1"])
      let json = try await check(place, ["delete", "\(name)@\(digest)", "--json"])
      #expect(try JSONValue(parsing: Array(json.utf8))["digests"] == [.string(digest)])
      #expect(try await place.cooper(["digest", "\(name):1"]).status == 4)
      #expect(try await place.cooper(["delete", "\(name)@\(digest)"]).status == 4)
    }
  }

  @Test func `a tag that the registry cannot delete alone is explained, and the manifest stays`() async throws
  {
    try await withRegistry { registry, place in
      let name = "\(registry.address)/a"
      _ = try await check(place, ["push", Self.source, "\(name):1", "--all"])
      let result = try await place.cooper(["delete", "\(name):1"])
      #expect(result.status == 1 && result.errors.contains("@DIGEST"), "\(result.errors)")
      _ = try await check(place, ["digest", "\(name):1"])
    }
  }

  @Test func `a registry that forbids deleting is explained`() async throws {
    let index = Array(#"{"schemaVersion":2,"manifests":[]}"#.utf8)
    let server = try ScriptedServer { request in
      request.method == "DELETE"
        ? .status(405, Array(#"{"errors":[{"code":"UNSUPPORTED","message":"unsupported"}]}"#.utf8))
        : .ok(index, ["Content-Type": "application/vnd.oci.image.index.v1+json"])
    }
    defer { server.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let digest = Digest(of: index)
    let result = try await place.cooper(["delete", "127.0.0.1:\(server.port)/a@\(digest)"])
    #expect(result.status == 1)
    #expect(result.errors.contains("REGISTRY_STORAGE_DELETE_ENABLED"), "\(result.errors)")
  }

  @Test(arguments: ["127.0.0.1:1/a", "./some/path", "oci:layout", "-", "docker-archive:x.tar:a:1"])
  func `what does not say which image is refused before anybody is asked`(image: String) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let result = try await place.cooper(["delete", image])
    #expect(result.status == 2, "\(result.errors)")
  }

  @Test func `the catalog has every repository, over several pages`() async throws {
    try await withRegistry { registry, place in
      let names = ["b", "a/c", "a/b"] + (0..<120).map { "n/\($0)" }
      let image = ImageSpec.init().stored
      for name in names { try image.push(to: registry, repository: name, tag: "1") }
      let text = try await check(place, ["catalog", registry.address])
      #expect(text.split(separator: "\n").map(String.init) == names.sorted())
      let json = try JSONValue(
        parsing: Array(try await check(place, ["catalog", registry.address, "--json"]).utf8))
      #expect(json["repositories"]?.array?.count == names.count)
      #expect(json["registry"]?.string == registry.address)
      #expect(try await place.cooper(["catalog", "\(registry.address)/a"]).status == 2)
    }
  }

  @Test func `an image of a layout is deleted, and gc removes what it had alone`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let layout = place.directory.appending("layout")
    for architecture in ["amd64", "arm64"] {
      _ = try await check(
        place, ["copy", Self.source, "oci:\(layout):\(architecture)", "--arch", architecture])
    }
    _ = try await check(place, ["delete", "oci:\(layout):arm64"])
    #expect(try await place.cooper(["delete", "oci:\(layout):arm64"]).status == 4)
    let before = try FileManager.default.contentsOfDirectory(atPath: "\(layout)/blobs/sha256").count
    let planned = try JSONValue(
      parsing: Array(try await check(place, ["gc", layout, "--dry-run", "--json"]).utf8))
    let count = try #require(planned["blobs"]?.int)
    #expect(count > 0 && planned["bytes"]?.int ?? 0 > 0)
    #expect(try await check(place, ["gc", "oci:\(layout)"]).hasPrefix("removed \(count) blobs, "))
    let after = try FileManager.default.contentsOfDirectory(atPath: "\(layout)/blobs/sha256").count
    #expect(after == before - Int(count))
    #expect(try await check(place, ["verify", layout]).contains("1 image, 2 layers"))
    #expect(try await check(place, ["gc", layout]).hasPrefix("removed 0 blobs"))
    #expect(try await place.cooper(["gc", place.directory.path]).status == 1)
  }

  @Test func `copies and collections of several processes at once lose nothing`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let layout = place.directory.appending("layout")
    _ = try await check(place, ["copy", Self.source, "oci:\(layout):first", "--arch", "amd64"])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<2 {
        group.addTask {
          for round in 0..<6 {
            let name = "oci:\(layout):\(writer)-\(round)"
            _ = try await check(
              place, ["copy", Self.source, name, "--arch", writer == 0 ? "amd64" : "arm64", "-q"])
            if round % 2 == 0 { _ = try await check(place, ["delete", name]) }
          }
        }
      }
      group.addTask { for _ in 0..<15 { _ = try await check(place, ["gc", layout]) } }
      try await group.waitForAll()
    }
    for writer in 0..<2 {
      for round in [1, 3, 5] {
        _ = try await check(place, ["verify", "oci:\(layout):\(writer)-\(round)"])
      }
    }
  }
}
