import Hashing
import ImageArchive
import OCIModel
import OrderedJSON
import Testing

/// Images in memory whose layers cannot be read: whoever tries fails the test.
struct MemorySource: ImageSource {
  var root: ManifestDocument
  var documents: [Digest: ManifestDocument] = [:]
  var configs: [Digest: [UInt8]] = [:]
  var repository: Reference?

  func document(_ descriptor: Descriptor) async throws -> ManifestDocument {
    try #require(documents[descriptor.digest])
  }

  func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent {
    BytesContent(try #require(configs[descriptor.digest], "\(subject) was read"))
  }

  func origins(of blob: Descriptor) -> [Reference] { repository.map { [$0] } ?? [] }
}

extension MemorySource {
  /// A layer by its name: its diff ID.
  static func diffID(_ name: String) -> Digest { Digest(of: Array("content of \(name)".utf8)) }

  /// The stored bytes of a layer; another compression gives others.
  static func layer(_ name: String, _ compression: String = "gz") -> Descriptor {
    Descriptor(
      mediaType: .ociLayerGzip, digest: Digest(of: Array("\(compression) of \(name)".utf8)), byteCount: 10)
  }

  /// An image of named layers; `more` are further members of the config.
  init(
    _ layers: [String], platform: Platform = Platform(os: "linux", architecture: "amd64"),
    kind: ManifestKind = .oci, compression: String = "gz", annotations: Annotations = Annotations(),
    more: JSONObject = [:]
  ) {
    var config: JSONObject = ["architecture": .string(platform.architecture), "os": .string(platform.os)]
    if let variant = platform.variant { config["variant"] = .string(variant) }
    config.append(contentsOf: more)
    config["rootfs"] = [
      "type": "layers", "diff_ids": .array(layers.map { .string("\(Self.diffID($0))") }),
    ]
    let bytes = JSONValue.object(config).serialized()
    var manifest = Manifest(
      kind: .oci,
      config: Descriptor(mediaType: .ociConfig, digest: Digest(of: bytes), byteCount: Int64(bytes.count)),
      layers: layers.map { Self.layer($0, compression) })
    manifest.annotations = annotations
    if kind == .docker, let converted = try? manifest.converted(to: .docker) { manifest = converted }
    self.init(root: .manifest(manifest.encoded()), configs: [manifest.config.digest: bytes])
  }

  /// An index of images with what it says of each.
  init(index entries: [(source: MemorySource, change: (inout Descriptor) -> Void)], kind: ManifestKind = .oci)
  {
    var (descriptors, documents, configs) = (
      [Descriptor](), [Digest: ManifestDocument](), [Digest: [UInt8]]()
    )
    for (source, change) in entries {
      var descriptor = source.root.descriptor
      change(&descriptor)
      descriptors.append(descriptor)
      documents[source.root.digest] = source.root
      documents.merge(source.documents) { $1 }
      configs.merge(source.configs) { $1 }
    }
    let index = ImageIndex(kind: kind, manifests: descriptors)
    self.init(root: .index(index.encoded()), documents: documents, configs: configs)
  }

  /// An attestation, as BuildKit makes it, of what `subject` is the digest of.
  static func attestation(of subject: Digest) -> (MemorySource, (inout Descriptor) -> Void) {
    let config = Array(#"{"architecture":"unknown","os":"unknown"}"#.utf8)
    var manifest = Manifest(
      kind: .oci,
      config: Descriptor(mediaType: .ociConfig, digest: Digest(of: config), byteCount: Int64(config.count)),
      layers: [
        Descriptor(
          mediaType: MediaType(rawValue: "application/vnd.in-toto+json"),
          digest: Digest(of: Array("\(subject)".utf8)),
          byteCount: 10)
      ])
    manifest.annotations["of"] = "\(subject)"
    let source = MemorySource(root: .manifest(manifest.encoded()), configs: [manifest.config.digest: config])
    return (
      source,
      {
        $0.platform = Platform(os: "unknown", architecture: "unknown")
        $0.annotations["vnd.docker.reference.digest"] = "\(subject)"
        $0.annotations["vnd.docker.reference.type"] = "attestation-manifest"
      }
    )
  }
}

extension ImageSource {
  /// The entries of the index that is the root.
  var entries: [Descriptor] {
    if case .index(let index) = root { index.value.manifests } else { [] }
  }

  /// The manifest that is the root, or an entry of it.
  func manifest(_ position: Int? = nil) async throws -> Manifest {
    let document = if let position { try await document(entries[position]) } else { root }
    guard case .manifest(let manifest) = document else { throw NotAManifest() }
    return manifest.value
  }

  /// The configuration of the same.
  func imageConfig(_ position: Int? = nil) async throws -> ImageConfig {
    try ImageConfig(await config(of: manifest(position)))
  }
}

struct NotAManifest: Error {}
