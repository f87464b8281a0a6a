import Hashing
import ImageArchive
@testable import ImageBuild
import OCIModel
import OrderedJSON
import Testing

/// Images put on other bases, in memory: no layer can be read there.
@Suite struct RebaseTests {
  private static let arm64 = Platform(os: "linux", architecture: "arm64", variant: "v8")
  private static let reference = try? Reference(parsing: "example.com/base:2")

  private static func base(_ source: MemorySource, _ reference: Reference? = reference) -> RebaseBase {
    RebaseBase(name: "base", reference: reference, source: source)
  }

  private static func rebase(
    _ image: MemorySource, from old: MemorySource, to new: MemorySource, reference: Reference? = reference
  ) async throws -> ComposedSource {
    let images = try await ImageSet(image)
    let rebase = try await Rebase(images) { _ in (Self.base(old), Self.base(new, reference)) }
    return try images.applying(rebase)
  }

  /// History entries: one for each name, `-name` for a step without a layer.
  private static func history(_ names: String...) -> JSONValue {
    .array(
      names.map { name in
        name.hasPrefix("-")
          ? ["created_by": .string(name), "empty_layer": true] : ["created_by": .string(name)]
      })
  }

  private static func steps(_ source: ComposedSource) async throws -> [String] {
    try await source.imageConfig().history.map { $0.createdBy ?? $0.comment ?? "" }
  }

  @Test func `the base's layers are replaced, and the image's own stay above`() async throws {
    let image = MemorySource(["base 1", "base 2", "app"], more: ["config": ["Env": ["A=1"]]])
    let new = MemorySource(["new 1", "new 2", "new 3"], more: ["config": ["Env": ["B=2"]]])
    let result = try await Self.rebase(image, from: MemorySource(["base 1", "base 2"]), to: new)
    let names = ["new 1", "new 2", "new 3", "app"]
    #expect(try await result.imageConfig().diffIDs == names.map(MemorySource.diffID))
    #expect(try await result.manifest().layers.map(\.digest) == names.map { MemorySource.layer($0).digest })
    // The configuration stays the image's own.
    #expect(try await result.imageConfig().runtime.environment == ["A=1"])
    let annotations = try await result.manifest().annotations
    #expect(annotations["org.opencontainers.image.base.name"] == "example.com/base:2")
    #expect(annotations["org.opencontainers.image.base.digest"] == "\(new.root.digest)")
  }

  @Test func `a layer that was compressed anew is still the same`() async throws {
    let image = MemorySource(["base", "app"], compression: "zstd")
    let result = try await Self.rebase(image, from: MemorySource(["base"]), to: MemorySource(["new"]))
    #expect(
      try await result.manifest().layers.map(\.digest) == [
        MemorySource.layer("new", "gz").digest, MemorySource.layer("app", "zstd").digest,
      ])
  }

  @Test func `another base is refused by the first layer that differs`() async throws {
    let image = MemorySource(["base 1", "other", "app"])
    let error = RebaseError.otherLayer(
      image: "the image for linux/amd64", base: "base", number: 2, count: 3,
      expected: MemorySource.diffID("base 2"), found: MemorySource.diffID("other"))
    await #expect(throws: error) {
      try await Self.rebase(image, from: MemorySource(["base 1", "base 2"]), to: MemorySource(["new"]))
    }
    #expect("\(error)".contains("layer 2 of its 3 layers should be \(MemorySource.diffID("base 2"))"))
  }

  @Test func `a base with more layers than the image is refused`() async throws {
    await #expect(
      throws: RebaseError.fewerLayers(
        image: "the image for linux/amd64", base: "base", imageCount: 1, baseCount: 2,
        expected: MemorySource.diffID("base 2"))
    ) {
      try await Self.rebase(
        MemorySource(["base 1"]), from: MemorySource(["base 1", "base 2"]), to: MemorySource(["new"]))
    }
  }

  @Test(arguments: [
    // The old base's history is the beginning: steps without layers go with it.
    (
      history("b1", "-CMD", "app", "-ENV"), history("b1", "-CMD"), history("n1", "-new"),
      ["n1", "-new", "app", "-ENV"]
    ),
    // It is another one: layers are counted, and steps of unknown origin stay.
    (history("x1", "-x", "app"), history("b1", "-CMD"), history("n1"), ["n1", "-x", "app"]),
    // The image has none.
    (nil, history("b1"), history("n1"), ["n1", "a layer without history"]),
    // The new base has none.
    (history("b1", "app"), history("b1"), nil, ["a layer without history", "app"]),
    (nil, nil, nil, []),
    // The image's history is too short.
    (history("b1"), history("b1"), history("n1"), ["n1", "a layer without history"]),
  ])
  func `history follows the layers`(
    image: JSONValue?, old: JSONValue?, new: JSONValue?, expected: [String]
  ) async throws {
    func source(_ layers: [String], _ history: JSONValue?) -> MemorySource {
      MemorySource(layers, more: history.map { ["history": $0] } ?? [:])
    }
    let result = try await Self.rebase(
      source(["base", "app"], image), from: source(["base"], old), to: source(["new"], new))
    #expect(try await Self.steps(result) == expected)
  }

  @Test func `each platform goes on the same platform of the new base`() async throws {
    func index(_ names: [String]) -> MemorySource {
      MemorySource(index: [
        (
          MemorySource(names.map { $0 + " amd64" }),
          { $0.platform = Platform(os: "linux", architecture: "amd64") }
        ),
        (MemorySource(names.map { $0 + " arm64" }, platform: Self.arm64), { $0.platform = Self.arm64 }),
      ])
    }
    let result = try await Self.rebase(index(["base", "app"]), from: index(["base"]), to: index(["new"]))
    for (position, name) in ["amd64", "arm64"].enumerated() {
      #expect(
        try await result.imageConfig(position).diffIDs == [
          MemorySource.diffID("new \(name)"), MemorySource.diffID("app \(name)"),
        ])
    }
    let single = MemorySource(["new amd64"])
    await #expect(
      throws: RebaseError.otherPlatform(base: "base", expected: "linux/arm64/v8", found: "linux/amd64")
    ) {
      try await Self.rebase(index(["base", "app"]), from: index(["base"]), to: single)
    }
    let lacking = MemorySource(index: [
      (single, { $0.platform = Platform(os: "linux", architecture: "amd64") })
    ])
    await #expect(
      throws: RebaseError.noPlatform(base: "base", platform: "linux/arm64/v8", available: "linux/amd64")
    ) {
      try await Self.rebase(index(["base", "app"]), from: index(["base"]), to: lacking)
    }
  }

  @Test func `Docker's manifests get labels, and no annotations`() async throws {
    let image = MemorySource(["base", "app"], kind: .docker)
    let result = try await Self.rebase(image, from: MemorySource(["base"]), to: MemorySource(["new"]))
    let manifest = try await result.manifest()
    #expect(manifest.annotations.isEmpty)
    #expect(manifest.layers.map(\.mediaType) == [.dockerLayerGzip, .dockerLayerGzip])
    #expect(
      try await result.imageConfig().runtime.labels["org.opencontainers.image.base.name"]
        == "example.com/base:2")
  }

  @Test func `a base outside of registries leaves no name of the old one`() async throws {
    let key = "org.opencontainers.image.base.name"
    let image = MemorySource(["base", "app"], annotations: [key: "example.com/base:1", "own": "stays"])
    let result = try await Self.rebase(
      image, from: MemorySource(["base"]), to: MemorySource(["new"]), reference: nil)
    let annotations = try await result.manifest().annotations
    #expect(annotations[key] == nil && annotations["own"] == "stays")
  }

  @Test func `layers are known to be where they came from`() async throws {
    var (image, new) = (MemorySource(["base", "app"]), MemorySource(["new"]))
    let (app, base) = (try Reference(parsing: "example.com/app"), try Reference(parsing: "example.com/base"))
    (image.repository, new.repository) = (app, base)
    let result = try await Self.rebase(image, from: MemorySource(["base"]), to: new)
    #expect(result.origins(of: MemorySource.layer("app")) == [app])
    #expect(result.origins(of: MemorySource.layer("new")) == [base])
    #expect(try await result.origins(of: result.manifest().config) == [])
  }

  @Test func `annotations come before labels, and name and digest from one place`() async throws {
    let (name, digest) = ("org.opencontainers.image.base.name", "org.opencontainers.image.base.digest")
    let labels: JSONObject = ["config": ["Labels": [name: "label", digest: "sha256:label"]]]
    let both = try await ImageSet(MemorySource(["a"], annotations: [name: "annotation"], more: labels))
    let found = BaseAnnotations(of: both.images[0], in: both.source.root)
    #expect(found.name == "annotation" && found.digest == nil)
    let one = try await ImageSet(MemorySource(["a"], more: labels))
    #expect(BaseAnnotations(of: one.images[0], in: one.source.root).digest == "sha256:label")
  }
}
