public import Hashing

/// Why an image cannot be put on another base.
public enum RebaseError: Error, Hashable, CustomStringConvertible {
  /// The image is not built on the old base: a layer is another one. Numbers count from 1, lowest first; digests are diff IDs.
  case otherLayer(image: String, base: String, number: Int, count: Int, expected: Digest, found: Digest)
  /// The image is not built on the old base: it has not even as many layers.
  case fewerLayers(image: String, base: String, imageCount: Int, baseCount: Int, expected: Digest)
  /// A base has no image for a platform of the image.
  case noPlatform(base: String, platform: String, available: String)
  /// A base is for another platform than the image.
  case otherPlatform(base: String, expected: String, found: String)
  /// Config and manifest of a base contradict each other.
  case layerCount(base: String, layers: Int, diffIDs: Int)

  /// One line for people.
  public var description: String {
    switch self {
    case .otherLayer(let image, let base, let number, let count, let expected, let found):
      "\(image) is not built on \(base): layer \(number) of its \(count) layers should be \(expected) and is \(found); "
        + "name by --old-base, with its digest, the base that it was built on"
    case .fewerLayers(let image, let base, let imageCount, let baseCount, let expected):
      "\(image) is not built on \(base): it has \(imageCount) layers, and layer \(imageCount + 1) of the base's \(baseCount) is \(expected); "
        + "name by --old-base, with its digest, the base that it was built on"
    case .noPlatform(let base, let platform, let available):
      "\(base) has no image for \(platform), but \(available); choose what to rebase by --platform"
    case .otherPlatform(let base, let expected, let found):
      "\(base) is for \(found), and the image for \(expected); both must have the same operating system and architecture"
    case .layerCount(let base, let layers, let diffIDs):
      "\(base): its manifest has \(layers) layers and its config \(diffIDs) diff IDs, which must be as many"
    }
  }
}
