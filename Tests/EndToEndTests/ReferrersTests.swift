import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// `copy --referrers` between a registry that keeps no lists of its own, layouts and archives.
@Suite struct ReferrersTests {
  /// A manifest that belongs to `subject`.
  private static func referrer(of subject: StoredImage, _ text: String) -> StoredImage {
    var spec = ImageSpec(.oci, layers: [.init(Array(text.utf8), type: "text/plain")])
    spec.config = Array("{}".utf8)
    spec.configType = "application/vnd.oci.empty.v1+json"
    spec.extraMembers =
      #""artifactType":"text/x-\#(text)","subject":{"mediaType":"\#(ImageSpec.Format.oci.manifestType)","digest":"\#(subject.digest)","size":\#(subject.manifest.count)},"#
    return spec.stored
  }

  /// The list under the fallback tag.
  private static func list(_ subject: StoredImage, _ referrers: [StoredImage]) -> StoredImage {
    IndexSpec(.oci, referrers.map { .init($0, nil) }).stored
  }

  private struct Set {
    let image: StoredImage
    let signature: StoredImage
    let countersignature: StoredImage
    let index: StoredImage

    var digests: Swift.Set<String> { ["\(signature.digest)", "\(countersignature.digest)"] }
  }

  /// An index with one image, which has a signature, which has another one.
  private static func push(to registry: RegistryServer, repository: String) async throws -> Set {
    let layer = LayerBytes.tar("a", "1")
    let config =
      #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["\#(Digest(of: layer))"]}}"#
    let image = ImageSpec(
      .oci, layers: [.init(try await LayerBytes.gzip(layer))], config: Array(config.utf8)
    ).stored
    let index = IndexSpec(.oci, [.init(image, "linux/amd64")]).stored
    let signature = referrer(of: image, "signature")
    let countersignature = referrer(of: signature, "countersignature")
    try index.push(to: registry, repository: repository, tag: "1")
    for (subject, referrer) in [(image, signature), (signature, countersignature)] {
      try referrer.push(to: registry, repository: repository)
      let tag = "\(subject.digest)".replacingOccurrences(of: ":", with: "-")
      try list(subject, [referrer]).push(to: registry, repository: repository, tag: tag)
    }
    return Set(image: image, signature: signature, countersignature: countersignature, index: index)
  }

  private func check(_ place: Workplace, _ arguments: [String]) async throws -> JSONValue {
    let result = try await place.cooper(arguments + ["--json"])
    #expect(result.status == 0, "\(arguments): \(result.errors)")
    return try JSONValue(parsing: result.output)
  }

  private func referrers(_ result: JSONValue) -> Swift.Set<String> {
    Swift.Set((result["referrers"]?.array ?? []).compactMap(\.string))
  }

  @Test func `what belongs to an image goes from registry to layout to archive to registry`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let set = try await Self.push(to: registry, repository: "a")
    let (layout, archive) = (place.directory.appending("layout"), place.directory.appending("a.tar"))
    let steps = [
      ["\(registry.address)/a:1", "oci:\(layout):x"], ["oci:\(layout):x", "oci-archive:\(archive):x"],
      ["oci-archive:\(archive):x", "docker://\(registry.address)/b:1"],
      ["\(registry.address)/b:1", "oci:\(place.directory.appending("last")):x"],
    ]
    for step in steps {
      let result = try await check(place, ["copy"] + step + ["--all", "--referrers"])
      #expect(result["digest"]?.string == "\(set.index.digest)", "\(step)")
      #expect(referrers(result) == set.digests, "\(step)")
    }
    for (digest, bytes) in set.signature.manifests.merging(
      set.countersignature.blobs, uniquingKeysWith: { $1 })
    {
      #expect(try place.directory.read("last/blobs/sha256/\(digest.hex)") == bytes)
    }
    let index = try JSONValue(parsing: place.directory.read("layout/index.json"))
    let types = (index["manifests"]?.array ?? []).compactMap { $0["artifactType"]?.string }
    #expect(types.sorted() == ["text/x-countersignature", "text/x-signature"])
    // A second time nothing is entered twice.
    _ = try await check(place, ["copy"] + steps[0] + ["--all", "--referrers"])
    let again = try JSONValue(parsing: place.directory.read("layout/index.json"))
    #expect(again["manifests"]?.array?.count == 3)
  }

  @Test func `without the option nothing goes along, and one platform takes its own`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let set = try await Self.push(to: registry, repository: "a")
    let source = "\(registry.address)/a:1"
    let plain = try await check(place, ["copy", source, "oci:\(place.directory.appending("p")):x", "--all"])
    #expect(plain["referrers"] == nil)
    #expect(!place.directory.contains("p/blobs/sha256/\(set.signature.digest.hex)"))
    let one = try await check(
      place, ["push", source, "\(registry.address)/b:1", "--referrers", "--arch", "amd64"])
    #expect(referrers(one) == set.digests && one["digest"]?.string == "\(set.image.digest)")
  }

  @Test(arguments: [["--format", "docker"], ["--layer-compression", "none"]])
  func `a copy that changes the image is refused when something belongs to it`(options: [String]) async throws
  {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let set = try await Self.push(to: registry, repository: "a")
    let layout = place.directory.appending("layout")
    let result = try await place.cooper(
      ["copy", "\(registry.address)/a:1", "oci:\(layout):x", "--all", "--referrers"] + options)
    #expect(result.status == 1 && !place.directory.contains("layout"))
    #expect(
      result.errors.contains("\(set.signature.digest) belongs to \(set.image.digest)"), "\(result.errors)")
    let archive = try await place.cooper([
      "copy", "\(registry.address)/a:1", place.directory.appending("a.tar"), "--referrers",
    ])
    #expect(archive.status == 2)
  }
}
