/// How a layer's bytes are compressed, as far as media types can say it.
public enum LayerEncoding: Sendable, Hashable, CaseIterable {
  case uncompressed
  case gzip
  case zstd
}

extension MediaType {
  /// The types of layers: in each family, shipped and foreign, by compression.
  ///
  /// Docker has none for zstd.
  private static let layerTypes:
    [(kind: ManifestKind, isForeign: Bool, encoding: LayerEncoding, type: MediaType)] = [
      (.oci, false, .uncompressed, .ociLayer),
      (.oci, false, .gzip, .ociLayerGzip),
      (.oci, false, .zstd, .ociLayerZstd),
      (.oci, true, .uncompressed, .ociForeignLayer),
      (.oci, true, .gzip, .ociForeignLayerGzip),
      (.oci, true, .zstd, .ociForeignLayerZstd),
      (.docker, false, .uncompressed, .dockerLayer),
      (.docker, false, .gzip, .dockerLayerGzip),
      (.docker, true, .uncompressed, .dockerForeignLayer),
      (.docker, true, .gzip, .dockerForeignLayerGzip),
    ]

  /// The type of a layer in that family and compression; nil where there is none.
  public static func layer(_ encoding: LayerEncoding, in kind: ManifestKind, isForeign: Bool = false)
    -> MediaType?
  {
    layerTypes.first { $0.kind == kind && $0.encoding == encoding && $0.isForeign == isForeign }?.type
  }

  /// How the layer is compressed, if this is the type of a layer.
  ///
  /// Types lie at times; bytes do not.
  public var layerEncoding: LayerEncoding? { Self.layerTypes.first { $0.type == self }?.encoding }

  /// The same layer's type in the other family, this type itself when it belongs to `kind` already, or nil.
  public func converted(to kind: ManifestKind) -> MediaType? {
    guard let entry = Self.layerTypes.first(where: { $0.type == self }) else { return nil }
    return Self.layer(entry.encoding, in: kind, isForeign: entry.isForeign)
  }
}

extension Manifest {
  /// The same image as a manifest of the other family: media types change, and nothing else that counts.
  ///
  /// Config and layers keep their bytes and digests. Docker's manifests have no annotations, subject or artifact type, so these are left
  /// out there, as skopeo does.
  ///
  /// - Throws: `ConversionError` when a layer has a type that the other family lacks.
  public func converted(to kind: ManifestKind) throws(ConversionError) -> Manifest {
    if self.kind == kind { return self }
    var result = self
    result.kind = kind
    result.config.mediaType = kind == .oci ? .ociConfig : .dockerConfig
    for (index, layer) in layers.enumerated() {
      guard let type = layer.mediaType.converted(to: kind) else {
        throw ConversionError(number: index + 1, count: layers.count, type: layer.mediaType, kind: kind)
      }
      result.layers[index].mediaType = type
    }
    if kind == .docker {
      result.annotations = Annotations()
      result.subject = nil
      result.artifactType = nil
    }
    return result
  }
}

/// A layer that cannot be named in the other family of manifests.
public struct ConversionError: Error, Hashable, CustomStringConvertible {
  /// The layer's number, from 1.
  public let number: Int
  /// The number of layers.
  public let count: Int
  /// The layer's type.
  public let type: MediaType
  /// The family that has no such type.
  public let kind: ManifestKind

  /// One line for people.
  public var description: String {
    "layer \(number) of \(count) has the type \(type), which \(kind == .docker ? "Docker" : "OCI") manifests do not know; "
      + "give its layers another compression, or keep the format"
  }
}
