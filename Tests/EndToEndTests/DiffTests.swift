import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// `diff` between images in a registry and in files.
@Suite struct DiffTests {
  private static func image(_ layers: [[UInt8]], config: String) async throws -> StoredImage {
    var stored: [ImageSpec.Layer] = []
    for layer in layers { stored.append(.init(try await LayerBytes.gzip(layer))) }
    let list = layers.map { "\"\(Digest(of: $0))\"" }.joined(separator: ",")
    let text =
      #"{"architecture":"amd64","os":"linux","config":{\#(config)},"rootfs":{"type":"layers","diff_ids":[\#(list)]}}"#
    return ImageSpec(.oci, layers: stored, config: Array(text.utf8)).stored
  }

  @Test func `files and configuration are compared, with whiteouts applied`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let base = LayerBytes.tar([
      ("etc/a", Array("a".utf8)), ("etc/gone", [1]), ("etc/c", Array("c".utf8)),
    ])
    let upper = TarBytes.archive([
      .init("etc/.wh.gone"), .init("etc/c", text: "changed"), .init("etc/\u{1b}[31m", text: "x"),
    ])
    let old = try await Self.image([base], config: #""Env":["A=1"]"#).push(to: registry, repository: "a")
    let new = try await Self.image([base, upper], config: #""Env":["A=2"]"#).push(
      to: registry, repository: "b")
    let result = try await place.cooper(["diff", old, new])
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      result.text.split(separator: "\n") == [
        #"config Env A: "1" -> "2""#, #"A /etc/\u{1b}[31m"#, "C /etc/c (size 1 -> 7, content)", "D /etc/gone",
      ])
    // The same through an archive, where the layers are not compressed.
    let archive = place.directory.appending("new.tar")
    #expect(try await place.cooper(["copy", new, "docker-archive:\(archive):x:1"]).status == 0)
    let json = try await place.cooper(["diff", old, archive, "--json", "--exit-code"])
    #expect(json.status == 1)
    let facts = try JSONValue(parsing: json.output)
    let changes = facts["files"]?.array?.compactMap { $0["change"]?.string }
    #expect(changes == ["added", "changed", "deleted"] && facts["isDifferent"]?.bool == true)
    #expect(facts["files"]?.array?[1]["second"]?["digest"]?.string == "\(Digest(of: Array("changed".utf8)))")
    let same = try await place.cooper(["diff", new, archive, "--exit-code"])
    #expect(same.status == 0 && same.text.isEmpty, "\(same.text) \(same.errors)")
    #expect(try place.cachedNames() == [])
    // Layers that both have are not fetched when there is nothing else to compare.
    let count = try await Self.blobCount(registry)
    let again = try await place.cooper(["diff", new, new])
    #expect(again.status == 0 && again.text.isEmpty)
    #expect(try await Self.blobCount(registry) == count + 2, "two configs")
  }

  private static func blobCount(_ registry: RegistryServer) async throws -> Int {
    try await registry.requests().filter { $0.method == "GET" && $0.path.contains("/blobs/") }.count
  }

  @Test func `a layer that leads out of the image is refused by name`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let good = try await Self.image([LayerBytes.tar("a", "1")], config: "").push(
      to: registry, repository: "a")
    let bad = try await Self.image([TarBytes.archive([.init("../a")])], config: "")
      .push(to: registry, repository: "b")
    let result = try await place.cooper(["diff", good, bad])
    #expect(result.status == 1 && result.text.isEmpty)
    #expect(result.errors.contains("layer 1 of 1") && result.errors.contains("../a"), "\(result.errors)")
  }
}
