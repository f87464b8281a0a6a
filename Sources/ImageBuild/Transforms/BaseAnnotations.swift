public import Hashing
public import OCIModel
import OrderedJSON

/// What an image says of its base (image-spec, "Pre-Defined Annotation Keys").
public struct BaseAnnotations: Hashable, Sendable {
  /// The annotation, or label, with a reference of the base.
  public static let nameKey = "org.opencontainers.image.base.name"
  /// The annotation, or label, with the digest of the base's manifest or index.
  public static let digestKey = "org.opencontainers.image.base.digest"

  /// A reference, normally with a tag.
  public var name: String?
  /// The digest of what the name stood for.
  public var digest: String?

  /// What is to be written.
  public init(name: String?, digest: Digest) {
    self.name = name
    self.digest = digest.description
  }

  /// What `image` says: in its manifest, or else in its labels, or else in the index above.
  ///
  /// Both facts come from the same place, so that they fit each other.
  public init(of image: ImageDraft, in root: ManifestDocument) {
    var places = [image.manifest.annotations, image.config.runtime.labels]
    if case .index(let index) = root { places.append(index.value.annotations) }
    let found = places.first { $0[Self.nameKey] != nil || $0[Self.digestKey] != nil }
    name = found?[Self.nameKey]
    digest = found?[Self.digestKey]
  }

  /// Takes them away from an image that has no base.
  static func remove(from image: inout ImageDraft) throws(DocumentError) {
    var labels = image.config.runtime.labels
    let isLabelled = labels[nameKey] != nil || labels[digestKey] != nil
    for key in [nameKey, digestKey] {
      image.manifest.annotations[key] = nil
      labels[key] = nil
    }
    if isLabelled { image.config = try image.config.settingRuntime("Labels", to: labels.json) }
  }

  /// Writes them into the manifest; into labels where Docker's manifest has no place for them, and where they already were.
  func write(to image: inout ImageDraft) throws(DocumentError) {
    let facts = [(Self.nameKey, name), (Self.digestKey, digest)]
    var labels = image.config.runtime.labels
    let isLabelled = facts.contains { labels[$0.0] != nil }
    for (key, text) in facts {
      if image.manifest.kind == .oci { image.manifest.annotations[key] = text }
      labels[key] = text
    }
    if isLabelled || image.manifest.kind == .docker {
      image.config = try image.config.settingRuntime("Labels", to: labels.json)
    }
  }
}
