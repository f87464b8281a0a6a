import Hashing
import TestSupport
import Testing

/// Manifests, indexes and configs that a registry serves under their true digests, but that nobody should believe.
@Suite struct DocumentFaultTests {
  struct Case: Sendable, CustomStringConvertible {
    let description: String
    let image: StoredImage
    var contentType: String?
    var exit: Int32 = 1
    /// All of these are in the message.
    let words: [String]
  }

  @Test(arguments: cases)
  func `a document that is wrong is refused with the reason`(wrong: Case) async throws {
    let registry = try MemoryRegistry(wrong.image, contentType: wrong.contentType)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(registry.reference)
    #expect(outcome.status == wrong.exit, "\(outcome.errors)")
    #expect(outcome.leftNothing)
    for word in wrong.words { #expect(outcome.errors.contains(word), "no “\(word)” in: \(outcome.errors)") }
    #expect(outcome.errors.utf8.count < 2000, "the message is for people")
  }

  @Test func `a manifest of exactly 4 MiB is taken`() async throws {
    var spec = Sample.spec
    spec.manifestEnd = String(repeating: " ", count: 4 << 20 - spec.manifest.count)
    try #require(spec.manifest.count == 4 << 20)
    let registry = try MemoryRegistry(spec.stored)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(registry.reference)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let archive = try await Sample.archive
    #expect(outcome.archive == archive)
  }

  @Test func `an index with one fitting entry leads to it`() async throws {
    let registry = try MemoryRegistry(
      IndexSpec(.oci, [.init(ImageSpec().stored, "linux/arm64"), .init(Sample.image, "linux/amd64")]).stored)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(registry.reference)
    let archive = try await Sample.archive
    #expect(outcome.archive == archive, "\(outcome.errors)")
  }

  // MARK: The documents

  private static let cases = manifests + kinds + indexes + configs

  private static let oci = ImageSpec.Format.oci

  private static func spec(_ change: (inout ImageSpec) -> Void) -> StoredImage {
    var spec = Sample.spec
    change(&spec)
    return spec.stored
  }

  private static func raw(_ manifest: String) -> StoredImage {
    StoredImage(manifest: Array(manifest.utf8), blobs: Sample.image.blobs)
  }

  private static let configText =
    #"{"mediaType":"\#(oci.configType)","size":\#(Sample.spec.config.count),"digest":"\#(Sample.config)"}"#

  private static func oneLayer(_ descriptor: String) -> StoredImage {
    raw(
      #"{"schemaVersion":2,"mediaType":"\#(oci.manifestType)","config":\#(configText),"layers":[\#(descriptor)]}"#
    )
  }

  private static let manifests: [Case] = [
    Case(
      description: "4 MiB and one byte",
      image: spec { $0.manifestEnd = String(repeating: " ", count: 4 << 20 - $0.manifest.count + 1) },
      words: ["4194304"]),
    Case(
      description: "a member twice", image: spec { $0.extraMembers = #""layers":[],"# }, words: ["layers"]),
    Case(
      description: "a member twice, in a descriptor",
      image: oneLayer(
        #"{"mediaType":"\#(oci.plainType)","size":1,"size":2,"digest":"\#(Sample.firstLayer)"}"#),
      words: ["size"]),
    Case(
      description: "a member in capitals", image: spec { $0.extraMembers = #""Layers":[],"# },
      words: ["Layers", "layers"]),
    Case(
      description: "a negative size", image: spec { $0.layers[1].statedSize = -7 },
      words: ["layers[1].size", "-7"]),
    Case(
      description: "an absurd size", image: spec { $0.layers[1].statedSize = 1 << 60 },
      words: ["layers[1].size", "1152921504606846976"]),
    Case(
      description: "a size with a fraction",
      image: oneLayer(#"{"mediaType":"\#(oci.plainType)","size":1.5,"digest":"\#(Sample.firstLayer)"}"#),
      words: ["layers[0].size", "1.5"]),
    Case(
      description: "a digest of an unknown algorithm",
      image: oneLayer(
        #"{"mediaType":"\#(oci.plainType)","size":1,"digest":"md5:d41d8cd98f00b204e9800998ecf8427e"}"#),
      words: ["layers[0].digest", "md5:d41d8cd98f00b204e9800998ecf8427e"]),
    Case(
      description: "a digest that is a path",
      image: oneLayer(#"{"mediaType":"\#(oci.plainType)","size":1,"digest":"sha256:../../../etc/passwd"}"#),
      words: ["layers[0].digest"]),
    Case(
      description: "absurd depth",
      image: spec {
        $0.extraMembers =
          #""x":\#(String(repeating: "[", count: 200_000))\#(String(repeating: "]", count: 200_000)),"#
      }, words: ["deep"]),
    Case(description: "a byte order mark", image: raw("\u{FEFF}{}"), words: ["byte order mark"]),
    Case(description: "an HTML page", image: raw("<html>Sign in</html>"), words: ["JSON"]),
    Case(description: "nothing", image: raw(""), words: ["JSON"]),
    Case(description: "a list", image: raw("[]"), words: ["object"]),
  ]

  private static let kinds: [Case] = [
    Case(
      description: "manifest and index at once", image: spec { $0.extraMembers = #""manifests":[],"# },
      words: ["different kinds", "manifests"]),
    Case(
      description: "schema 1 by its content",
      image: raw(
        #"{"schemaVersion":1,"name":"x","tag":"y","architecture":"amd64","fsLayers":[],"history":[]}"#),
      words: ["schema 1"]),
    Case(
      description: "schema 1 by its type",
      image: raw(#"{"schemaVersion":1}"#),
      contentType: "application/vnd.docker.distribution.manifest.v1+prettyjws",
      words: ["schema 1"]),
    Case(
      description: "the server says another type", image: Sample.image, contentType: oci.indexType,
      words: [oci.indexType, oci.manifestType]),
    Case(
      description: "an unknown type", image: raw(#"{"schemaVersion":2,"mediaType":"application/x-unknown"}"#),
      contentType: "application/x-unknown", words: ["application/x-unknown"]),
  ]

  private static let indexes: [Case] = [
    Case(
      description: "no entry for the platform",
      image: IndexSpec(
        .oci,
        [
          .init(Sample.image, "linux/arm64/v8"), .init(Sample.image, "windows/amd64"),
          .init(Sample.image, "linux/arm64/v8"),
        ]
      ).stored, exit: 4, words: ["linux/amd64", "linux/arm64/v8", "windows/amd64"]),
    Case(
      description: "attestations only",
      image: IndexSpec(
        .oci,
        [
          .init(Sample.image, "unknown/unknown"),
          .init(
            Sample.image, nil, extra: #""annotations":{"vnd.docker.reference.type":"attestation-manifest"},"#),
        ]
      ).stored, exit: 4, words: ["linux/amd64"]),
    Case(description: "no entries", image: IndexSpec(.oci, []).stored, exit: 4, words: ["linux/amd64"]),
    Case(
      description: "an index in an index",
      image: IndexSpec(
        .oci,
        [
          .init(
            IndexSpec(.oci, [.init(Sample.image, "linux/amd64")]).stored, "linux/amd64", type: oci.indexType)
        ]
      ).stored, words: ["index inside an index"]),
    Case(
      description: "an index in an index, as a manifest",
      image: IndexSpec(
        .oci, [.init(IndexSpec(.oci, [.init(Sample.image, "linux/amd64")]).stored, "linux/amd64")]
      ).stored, words: ["index"]),
  ]

  private static let configs: [Case] = [
    Case(
      description: "a config that says it is too large", image: spec { $0.configSize = 4 << 20 + 1 },
      words: ["4194305", "4194304"]),
    Case(
      description: "a config larger than it says", image: spec { $0.configSize = 10 }, exit: 3,
      words: ["\(Sample.config)"]),
    Case(
      description: "a config of another size than it says",
      image: spec { $0.configSize = $0.config.count + 1 },
      exit: 3, words: ["\(Sample.config)"]),
    Case(
      description: "a config too large, of unknown size",
      image: spec {
        $0.config = Array(
          (String(decoding: $0.config, as: UTF8.self) + String(repeating: " ", count: 4 << 20)).utf8)
        $0.configSize = -1
      }, words: ["4194304"]),
    Case(
      description: "a config of absurd depth",
      image: spec {
        $0.config = Array(
          #"{"a":\#(String(repeating: "[", count: 200_000))\#(String(repeating: "]", count: 200_000))}"#.utf8)
      }, words: ["deep"]),
    Case(
      description: "a config that is no JSON", image: spec { $0.config = Array("not JSON".utf8) },
      words: ["JSON"]),
  ]
}
