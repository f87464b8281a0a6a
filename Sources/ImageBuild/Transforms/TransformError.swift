public import Hashing
public import OCIModel

/// Why an image cannot be changed as asked.
public enum TransformError: Error, Hashable, CustomStringConvertible {
  /// Indexes within indexes, more than five of them.
  case tooDeep(Digest)
  /// An index without a single image.
  case noImages(Digest)
  /// Config and manifest of an image contradict each other.
  case layerCount(image: String, layers: Int, diffIDs: Int)
  /// Docker's manifests have no annotations.
  case annotationsInDocker(image: String)
  /// Docker's manifests have no type for zstd layers.
  case zstdInDocker(image: String, layer: String)
  /// Every image of an index would be for the same platform.
  case samePlatform(Platform, images: Int)
  /// What is to become a layer is no tar.
  case noTar(name: String, problem: String)

  /// One line for people.
  public var description: String {
    switch self {
    case .tooDeep(let digest): "the index \(digest) lies more than five indexes deep"
    case .noImages(let digest): "the index \(digest) has no container image that could be changed"
    case .layerCount(let image, let layers, let diffIDs):
      "\(image): the manifest has \(layers) layers and the config \(diffIDs) diff IDs, which must be as many"
    case .annotationsInDocker(let image):
      "\(image): Docker's manifests have no annotations; set labels, or write OCI manifests by --format oci"
    case .zstdInDocker(let image, let layer):
      "\(image): Docker's manifests have no type for \(layer), which is compressed with zstd; write OCI manifests by --format oci, "
        + "or give the layer uncompressed or with gzip"
    case .samePlatform(let platform, let images):
      "all \(images) images of the index would be for \(platform); choose one of them by --platform"
    case .noTar(let name, let problem): "\(name) cannot be a layer, since it is no sound tar: \(problem)"
    }
  }
}
