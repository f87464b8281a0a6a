import ArchiveIO
import OCIModel

/// Something about an image that is not as it should be.
public struct ImageFinding: Sendable, Hashable {
  /// The image: its platform, or the digest of its manifest; `index` for the root when that is one.
  public var image: String
  /// The layer's number, from 1 for the lowest; nil when it is not about a layer.
  public var layer: Int?
  /// What was looked at: `digest`, `size`, `diff ID`, `media type`, `platform`, `rootfs.diff_ids`, `history`, or `content` for bytes that
  /// are missing, damaged or not understood.
  public var field: String
  /// What it should be.
  public var expected: String
  /// What it is.
  public var found: String

  /// A finding.
  public init(image: String, layer: Int? = nil, field: String, expected: String, found: String) {
    self.image = image
    self.layer = layer
    self.field = field
    self.expected = expected
    self.found = found
  }
}

extension ImageFinding: CustomStringConvertible {
  /// One line for people.
  public var description: String {
    image + (layer.map { ", layer \($0)" } ?? "") + ": \(field): expected \(expected), found \(found)"
  }
}

extension ImageFinding {
  /// What a check that ended in `error` found; nil when the error does not speak of the image.
  init?(_ error: any Error, image: String, layer: Int? = nil, subject: String) {
    self.init(image: image, layer: layer, field: "content", expected: subject, found: "")
    switch error {
    case let error as ContentMismatch:
      if let digest = error.found {
        (field, expected, found) = ("\(subject) digest", "\(error.expected)", "\(digest)")
      } else {
        field = "\(subject) size"
        expected = "\(error.expectedByteCount ?? 0) bytes"
        let isCut = error.foundByteCount > error.expectedByteCount ?? 0
        found = (isCut ? "at least " : "") + "\(error.foundByteCount) bytes"
      }
    case let error as ImageKindError:
      (field, expected, found) = ("media type", "a container image", "\(error)")
    case let error as ImageArchiveError: found = "\(error.problem)"
    case is DocumentError, is DecompressionError, is TarError, is TarIndexError: found = "\(error)"
    default: return nil
    }
  }
}
