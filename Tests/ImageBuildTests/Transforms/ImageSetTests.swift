import Hashing
import ImageArchive
import ImageBuild
import OCIModel
import OrderedJSON
import Testing

/// Changes of every image of an index.
@Suite struct ImageSetTests {
  private static let amd64 = Platform(os: "linux", architecture: "amd64")
  private static let arm64 = Platform(os: "linux", architecture: "arm64", variant: "v8")

  /// Two images and the attestation of the second, with remarks in the entries.
  private static func index(kind: ManifestKind = .oci) -> MemorySource {
    let (first, second) = (
      MemorySource(["a"], platform: amd64, kind: kind), MemorySource(["b"], platform: arm64, kind: kind)
    )
    return MemorySource(
      index: [
        (
          first,
          {
            $0.platform = amd64
            $0.annotations["note"] = "first"
          }
        ), (second, { $0.platform = arm64 }), MemorySource.attestation(of: second.root.digest),
      ], kind: kind)
  }

  private static func edits(_ change: (inout ConfigEdits) -> Void) -> ConfigEdits {
    var edits = ConfigEdits()
    change(&edits)
    return edits
  }

  @Test func `every image changes, and entries keep their order, platform and annotations`() async throws {
    let source = Self.index()
    let result = try await ImageSet(source).applying(Self.edits { $0.user = "nobody" })
    #expect(result.entries.map(\.platform) == [Self.amd64, Self.arm64])
    #expect(result.entries[0].annotations["note"] == "first")
    for position in 0...1 {
      #expect(result.entries[position].digest != source.entries[position].digest)
      #expect(try await result.imageConfig(position).runtime.user == "nobody")
      #expect(try await result.manifest(position).layers == source.manifest(position).layers)
      let bytes = try await result.document(result.entries[position]).bytes
      #expect(result.entries[position].byteCount == Int64(bytes.count))
    }
  }

  @Test func `the attestation of a changed image is left out with a remark`() async throws {
    let source = Self.index()
    let result = try await ImageSet(source).applying(Self.edits { $0.user = "nobody" })
    #expect(result.entries.count == 2)
    #expect(result.remarks.count == 1)
    #expect(result.remarks.first?.contains("\(source.entries[2].digest)") == true)
  }

  @Test func `what does not change keeps its bytes, with the attestation`() async throws {
    let source = Self.index()
    let result = try await ImageSet(source).applying(ConfigEdits())
    #expect(result.root.bytes == source.root.bytes)
    #expect(result.remarks.isEmpty)
  }

  @Test func `indexes within indexes are changed, too`() async throws {
    let inner = Self.index()
    let source = MemorySource(index: [(inner, { _ in })])
    let result = try await ImageSet(source).applying(Self.edits { $0.user = "nobody" })
    let document = try await result.document(result.entries[0])
    guard case .index(let index) = document else { throw NotAManifest() }
    #expect(index.value.manifests.map(\.platform) == [Self.amd64, Self.arm64])
  }

  @Test func `the members that nothing is said of keep their bytes`() async throws {
    let strange: JSONObject = [
      "author": "somebody", "x-own": ["n": .number("1")],
      "config": ["Healthcheck": ["Test": ["CMD", "true"]], "Env": ["A=1"], "Labels": ["a": "b"]],
    ]
    let source = MemorySource(["a"], more: strange)
    let edits = Self.edits { $0.environment = NamedEdits(values: ["A": "2", "B": "3"]) }
    let result = try await ImageSet(source).applying(edits)
    let before = try await source.imageConfig().document.bytes
    let after = String(decoding: try await result.imageConfig().document.bytes, as: UTF8.self)
    #expect(
      after == String(decoding: before, as: UTF8.self).replacing(#"["A=1"]"#, with: #"["A=2","B=3"]"#))
  }

  @Test func `annotations are written to manifests and the index, and refused in Docker's`() async throws {
    let edits = Self.edits { $0.annotations = NamedEdits(values: ["k": "v"]) }
    let result = try await ImageSet(Self.index()).applying(edits)
    guard case .index(let index) = result.root else { throw NotAManifest() }
    #expect(index.value.annotations["k"] == "v")
    #expect(try await result.manifest(1).annotations["k"] == "v")
    let docker = try await ImageSet(Self.index(kind: .docker))
    #expect(throws: TransformError.annotationsInDocker(image: "the image for linux/amd64")) {
      try docker.applying(edits)
    }
    let converted = try await ImageSet(Self.index(kind: .docker), as: .oci).applying(edits)
    #expect(converted.root.mediaType == .ociIndex)
    #expect(try await converted.manifest(0).kind == .oci)
  }

  @Test func `a platform is set for one image only, and its entry follows`() async throws {
    let edits = Self.edits { $0.platform = Platform(os: "linux", architecture: "riscv64") }
    let source = Self.index()
    await #expect(
      throws: TransformError.samePlatform(Platform(os: "linux", architecture: "riscv64"), images: 2)
    ) {
      try await ImageSet(source).applying(edits)
    }
    let one = MemorySource(index: [(MemorySource(["b"], platform: Self.arm64), { $0.platform = Self.arm64 })])
    let result = try await ImageSet(one).applying(edits)
    #expect(result.entries[0].platform == edits.platform)
    // No variant is left over from the old platform.
    #expect(try await result.imageConfig(0).platform == edits.platform)
  }

  @Test(
    arguments: [
      (["A=1", "B=2"], ["A": "3"], [], ["A=3", "B=2"]),
      (["A=1", "B=2"], [:], ["A"], ["B=2"]),
      (["A=1"], ["B": "x=y"], ["C"], ["A=1", "B=x=y"]),
      (["AB=1", "A=2", "A=3"], ["C": ""], ["A"], ["AB=1", "C="]),
      // What is unset and set again comes last.
      (["A=1", "B=2"], ["A": "3"], ["A"], ["B=2", "A=3"]),
    ] as [([String], [String: String], [String], [String])])
  func `variables are set in their place, added at the end, and taken away`(
    before: [String], values: [String: String], removed: [String], after: [String]
  ) async throws {
    let source = MemorySource(["a"], more: ["config": ["Env": .array(before.map { .string($0) })]])
    var set = Annotations()
    for (name, value) in values { set[name] = value }
    let result = try await ImageSet(source).applying(
      Self.edits { $0.environment = NamedEdits(values: set, removed: removed) })
    #expect(try await result.imageConfig().runtime.environment == after)
  }

  @Test func `a new entrypoint takes the old arguments away unless there are new ones`() async throws {
    let source = MemorySource(["a"], more: ["config": ["Cmd": ["old"], "Entrypoint": ["/old"]]])
    let alone = try await ImageSet(source).applying(Self.edits { $0.entrypoint = ["/new"] })
    #expect(try await alone.imageConfig().runtime["Cmd"] == nil)
    let both = try await ImageSet(source).applying(
      Self.edits {
        $0.entrypoint = ["/new"]
        $0.command = ["x"]
      })
    #expect(try await both.imageConfig().runtime.command == ["x"])
    let command = try await ImageSet(source).applying(Self.edits { $0.command = [] })
    #expect(try await command.imageConfig().runtime["Cmd"] == nil)
    #expect(try await command.imageConfig().runtime.entrypoint == ["/old"])
  }

  @Test func `an artifact, and an index without images, are refused`() async throws {
    let attestation = MemorySource.attestation(of: MemorySource.diffID("x"))
    await #expect(throws: ImageKindError.self) { try await ImageSet(attestation.0) }
    let index = MemorySource(index: [attestation])
    await #expect(throws: TransformError.noImages(index.root.digest)) { try await ImageSet(index) }
  }

  @Test func `a config with another number of diff IDs than layers is refused`() async throws {
    var manifest = try await MemorySource(["a", "b"]).manifest()
    let other = MemorySource(["a"])
    manifest.config = try await other.manifest().config
    let source = MemorySource(root: .manifest(manifest.encoded()), configs: other.configs)
    await #expect(
      throws: TransformError.layerCount(image: "the image for linux/amd64", layers: 2, diffIDs: 1)
    ) {
      try await ImageSet(source)
    }
  }
}
