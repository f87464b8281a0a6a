public import Hashing

/// What an image of one platform consists of, as text and bytes that need not be sensible.
public struct ImageSpec: Sendable {
  /// The two formats of manifests.
  public enum Format: Sendable, CaseIterable {
    /// `application/vnd.oci.image.manifest.v1+json`
    case oci
    /// `application/vnd.docker.distribution.manifest.v2+json`
    case docker

    /// The manifest's media type.
    public var manifestType: String {
      self == .oci
        ? "application/vnd.oci.image.manifest.v1+json"
        : "application/vnd.docker.distribution.manifest.v2+json"
    }
    /// The index's media type.
    public var indexType: String {
      self == .oci
        ? "application/vnd.oci.image.index.v1+json"
        : "application/vnd.docker.distribution.manifest.list.v2+json"
    }
    /// The usual media type of the config.
    public var configType: String {
      self == .oci
        ? "application/vnd.oci.image.config.v1+json" : "application/vnd.docker.container.image.v1+json"
    }
    /// The media type of a gzip layer.
    public var gzipType: String {
      self == .oci
        ? "application/vnd.oci.image.layer.v1.tar+gzip" : "application/vnd.docker.image.rootfs.diff.tar.gzip"
    }
    /// The media type of a layer that is not compressed.
    public var plainType: String {
      self == .oci ? "application/vnd.oci.image.layer.v1.tar" : "application/vnd.docker.image.rootfs.diff.tar"
    }
    /// The media type of a gzip layer that a registry need not have.
    public var foreignType: String {
      self == .oci
        ? "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
        : "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    }
  }

  /// A layer as it is stored.
  public struct Layer: Sendable {
    /// The bytes in the registry.
    public var stored: [UInt8]
    /// The descriptor's media type; nil for the format's usual one, that of gzip.
    public var mediaType: String?
    /// The descriptor's `size`; nil for the true one.
    public var statedSize: Int?
    /// The descriptor's `digest`; nil for the true sha256.
    public var digest: Digest?
    /// The descriptor's `urls`.
    public var urls: [String]

    /// A layer of these bytes.
    public init(
      _ stored: [UInt8], type mediaType: String? = nil, size statedSize: Int? = nil, digest: Digest? = nil,
      urls: [String] = []
    ) {
      self.stored = stored
      self.mediaType = mediaType
      self.statedSize = statedSize
      self.digest = digest
      self.urls = urls
    }
  }

  /// Which manifest is made.
  public var format = Format.oci
  /// The config's bytes.
  public var config = ImageSpec.plainConfig
  /// The config's media type; nil for the format's usual one.
  public var configType: String?
  /// The `size` of the config's descriptor; nil for the true one.
  public var configSize: Int?
  /// The layers, root first.
  public var layers: [Layer] = []
  /// Text put in front of the manifest's members, such as `"annotations":{},`.
  public var extraMembers = ""
  /// What the `mediaType` of the manifest says; nil for the format's type, empty for no such member.
  public var statedManifestType: String?
  /// White space after the manifest.
  public var manifestEnd = ""
  /// What the manifest is named by.
  public var algorithm = DigestAlgorithm.sha256

  /// A sensible config for linux/amd64.
  public static let plainConfig = Array(
    #"{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":[]}}"#
      .utf8)

  /// An OCI image without layers.
  public init() {}

  /// An image with the given layers.
  public init(_ format: Format, layers: [Layer], config: [UInt8] = ImageSpec.plainConfig) {
    self.format = format
    self.layers = layers
    self.config = config
  }

  /// The manifest's bytes.
  public var manifest: [UInt8] {
    let type = statedManifestType ?? format.manifestType
    let typeMember = type.isEmpty ? "" : #""mediaType":"\#(type)","#
    let configText = Self.descriptor(
      configType ?? format.configType, Digest(of: config), configSize ?? config.count)
    let layerTexts = layers.map { layer in
      Self.descriptor(
        layer.mediaType ?? format.gzipType, layer.digest ?? Digest(of: layer.stored),
        layer.statedSize ?? layer.stored.count, urls: layer.urls)
    }
    let text = """
      {"schemaVersion":2,\(typeMember)\(extraMembers)"config":\(configText),"layers":[\(layerTexts.joined(separator: ","))]}
      """
    return Array((text + manifestEnd).utf8)
  }

  /// The image with its blobs.
  public var stored: StoredImage {
    var blobs = [Digest(of: config): config]
    for layer in layers { blobs[layer.digest ?? Digest(of: layer.stored)] = layer.stored }
    return StoredImage(manifest: manifest, algorithm: algorithm, blobs: blobs)
  }

  static func descriptor(_ type: String, _ digest: Digest, _ size: Int, urls: [String] = []) -> String {
    let list = urls.map { #""\#($0)""# }.joined(separator: ",")
    let member = urls.isEmpty ? "" : #","urls":[\#(list)]"#
    return #"{"mediaType":"\#(type)","size":\#(size),"digest":"\#(digest)"\#(member)}"#
  }
}

/// An index, or a manifest list, over several images.
public struct IndexSpec: Sendable {
  /// One entry.
  public struct Entry: Sendable {
    /// The image, or another index.
    public var image: StoredImage
    /// The text of `platform`; nil for no such member.
    public var platform: String?
    /// The media type; nil for the format's manifest.
    public var mediaType: String?
    /// Further members, such as `"annotations":{},`.
    public var extraMembers: String

    /// An entry for a platform given as `os/architecture` or `os/architecture/variant`, or for none.
    public init(_ image: StoredImage, _ platform: String?, type mediaType: String? = nil, extra: String = "")
    {
      self.image = image
      self.mediaType = mediaType
      extraMembers = extra
      self.platform = platform.map { text in
        let parts = text.split(separator: "/", maxSplits: 2).map(String.init)
        let variant = parts.count > 2 ? #","variant":"\#(parts[2])""# : ""
        return #"{"architecture":"\#(parts[1])","os":"\#(parts[0])"\#(variant)}"#
      }
    }
  }

  /// Which kind of index is made.
  public var format = ImageSpec.Format.oci
  /// The format of the manifests of entries without a media type of their own; nil for the index's.
  public var entryFormat: ImageSpec.Format?
  /// The entries in order.
  public var entries: [Entry]

  /// An index of the given kind.
  public init(_ format: ImageSpec.Format, _ entries: [Entry], of entryFormat: ImageSpec.Format? = nil) {
    self.format = format
    self.entries = entries
    self.entryFormat = entryFormat
  }

  /// The index with everything below it.
  public var stored: StoredImage {
    let texts = entries.map { entry in
      let type = entry.mediaType ?? (entryFormat ?? format).manifestType
      let platform = entry.platform.map { #","platform":\#($0)"# } ?? ""
      return #"{\#(entry.extraMembers)"mediaType":"\#(type)","size":\#(entry.image.manifest.count),"#
        + #""digest":"\#(entry.image.digest)"\#(platform)}"#
    }
    let text =
      #"{"schemaVersion":2,"mediaType":"\#(format.indexType)","manifests":[\#(texts.joined(separator: ","))]}"#
    var (manifests, blobs): ([Digest: [UInt8]], [Digest: [UInt8]]) = ([:], [:])
    for entry in entries {
      manifests.merge(entry.image.manifests) { $1 }
      blobs.merge(entry.image.blobs) { $1 }
    }
    return StoredImage(manifest: Array(text.utf8), manifests: manifests, blobs: blobs)
  }
}
