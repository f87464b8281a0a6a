public import Hashing
public import OCIModel

/// Why an index cannot be made of what was asked for.
public enum IndexError: Error, Hashable, CustomStringConvertible {
  /// Two images are for one platform.
  case samePlatform(Platform, first: String, second: String)
  /// One manifest comes from two places.
  case sameManifest(Digest, first: String, second: String)
  /// No image is for a platform.
  case noPlatform(String, available: String)
  /// No entry has a digest.
  case noDigest(Digest)
  /// No entry would be left.
  case nothingLeft
  /// An image stands where an index is needed.
  case notAnIndex(String)

  /// One line for people.
  public var description: String {
    switch self {
    case .samePlatform(let platform, let first, let second):
      "\(first) and \(second) both have an image for \(platform), of which an index takes one; remove one of them first"
    case .sameManifest(let digest, let first, let second):
      "\(first) and \(second) both have \(digest); name it once"
    case .noPlatform(let platform, let available):
      "the index has no image for \(platform); it has \(available)"
    case .noDigest(let digest): "the index has no entry \(digest)"
    case .nothingLeft: "no entry would be left in the index"
    case .notAnIndex(let name): "\(name) is a single image; make an index of it by “cooper index create”"
    }
  }
}
