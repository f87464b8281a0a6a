/// The type of some content, as in a descriptor or a `Content-Type` header.
///
/// In documents the spelling counts: types are equal when their texts are.
public struct MediaType: RawRepresentable, Hashable, Sendable {
  /// The text.
  public let rawValue: String

  /// A type of that text, taken as it is.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// The type of a response: parameters and white space dropped, lower case.
  public init(contentType: String) {
    let kept = contentType.utf8.prefix { $0 != UInt8(ascii: ";") }.drop(while: Self.isBlank)
    let end = kept.lastIndex { !Self.isBlank($0) }.map { kept.index(after: $0) } ?? kept.startIndex
    let lower = kept[kept.startIndex..<end].map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
    rawValue = String(decoding: lower, as: UTF8.self)
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

extension MediaType: CustomStringConvertible {
  /// The text.
  public var description: String { rawValue }
}

extension MediaType {
  /// An OCI image manifest.
  public static let ociManifest = MediaType(rawValue: "application/vnd.oci.image.manifest.v1+json")
  /// An OCI image index.
  public static let ociIndex = MediaType(rawValue: "application/vnd.oci.image.index.v1+json")
  /// A Docker manifest of schema 2.
  public static let dockerManifest = MediaType(
    rawValue: "application/vnd.docker.distribution.manifest.v2+json")
  /// A Docker manifest list.
  public static let dockerManifestList = MediaType(
    rawValue: "application/vnd.docker.distribution.manifest.list.v2+json")
  /// A Docker manifest of schema 1, withdrawn.
  public static let dockerSchema1 = MediaType(
    rawValue: "application/vnd.docker.distribution.manifest.v1+json")
  /// A signed Docker manifest of schema 1, withdrawn.
  public static let dockerSchema1Signed = MediaType(
    rawValue: "application/vnd.docker.distribution.manifest.v1+prettyjws")

  /// An OCI image config.
  public static let ociConfig = MediaType(rawValue: "application/vnd.oci.image.config.v1+json")
  /// A Docker image config.
  public static let dockerConfig = MediaType(rawValue: "application/vnd.docker.container.image.v1+json")
  /// The two bytes `{}`, where a document needs a descriptor without content.
  public static let ociEmpty = MediaType(rawValue: "application/vnd.oci.empty.v1+json")

  /// An uncompressed OCI layer.
  public static let ociLayer = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar")
  /// An OCI layer in gzip.
  public static let ociLayerGzip = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+gzip")
  /// An OCI layer in Zstandard.
  public static let ociLayerZstd = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+zstd")
  /// An uncompressed OCI layer that registries may leave out.
  public static let ociForeignLayer = MediaType(
    rawValue: "application/vnd.oci.image.layer.nondistributable.v1.tar")
  /// An OCI layer in gzip that registries may leave out.
  public static let ociForeignLayerGzip = MediaType(
    rawValue: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")
  /// An OCI layer in Zstandard that registries may leave out.
  public static let ociForeignLayerZstd = MediaType(
    rawValue: "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd")
  /// An uncompressed Docker layer.
  public static let dockerLayer = MediaType(rawValue: "application/vnd.docker.image.rootfs.diff.tar")
  /// A Docker layer in gzip.
  public static let dockerLayerGzip = MediaType(
    rawValue: "application/vnd.docker.image.rootfs.diff.tar.gzip")
  /// An uncompressed Docker layer that registries may leave out.
  public static let dockerForeignLayer = MediaType(
    rawValue: "application/vnd.docker.image.rootfs.foreign.diff.tar")
  /// A Docker layer in gzip that registries may leave out.
  public static let dockerForeignLayerGzip = MediaType(
    rawValue: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
}

extension MediaType {
  /// What to ask a registry for: all manifests and indexes that are understood.
  public static let manifestTypes: [MediaType] = [
    .ociManifest, .ociIndex, .dockerManifest, .dockerManifestList,
  ]

  /// Whether this is an index or a manifest list.
  public var isIndex: Bool { self == .ociIndex || self == .dockerManifestList }

  /// Whether this is a manifest of a single image (or artifact).
  public var isManifest: Bool { self == .ociManifest || self == .dockerManifest }

  /// Whether this is the config of an image.
  public var isImageConfig: Bool { self == .ociConfig || self == .dockerConfig }

  /// Whether this is one of the two withdrawn types of schema 1.
  public var isSchema1: Bool { self == .dockerSchema1 || self == .dockerSchema1Signed }

  /// Whether a server that does not know the type of a document would say this.
  ///
  /// `binary/octet-stream` is what S3 says.
  public var isGeneric: Bool {
    [
      "", "application/json", "text/plain", "application/octet-stream", "binary/octet-stream",
      "application/x-json", "text/json",
    ].contains(rawValue)
  }

  /// Whether a manifest of that kind may have layers of this type (docker-archive-bytes.md, "Layers").
  public func isLayer(in kind: ManifestKind) -> Bool {
    switch kind {
    case .oci:
      [
        .ociLayer, .ociLayerGzip, .ociLayerZstd, .ociForeignLayer, .ociForeignLayerGzip,
        .ociForeignLayerZstd,
      ].contains(self)
    case .docker:
      [.dockerLayer, .dockerLayerGzip, .dockerForeignLayer, .dockerForeignLayerGzip].contains(self)
    }
  }

  /// Whether this is a layer that registries may leave out, to be found at the descriptor's `urls`.
  public var isForeignLayer: Bool {
    [
      .ociForeignLayer, .ociForeignLayerGzip, .ociForeignLayerZstd, .dockerForeignLayer,
      .dockerForeignLayerGzip,
    ].contains(self)
  }
}

/// The two families of manifests.
public enum ManifestKind: String, Sendable, Hashable, CaseIterable {
  /// The Open Container Initiative's (image-spec).
  case oci
  /// Docker's, of schema 2.
  case docker

  /// The type of an image's manifest.
  public var manifestType: MediaType { self == .oci ? .ociManifest : .dockerManifest }

  /// The type of an image's configuration.
  public var configType: MediaType { self == .oci ? .ociConfig : .dockerConfig }

  /// The type of an index.
  public var indexType: MediaType { self == .oci ? .ociIndex : .dockerManifestList }
}
