extension ManifestDocument {
  /// The manifest that this one belongs to.
  public var subject: Descriptor? {
    switch self {
    case .manifest(let manifest): manifest.value.subject
    case .index(let index): index.value.subject
    }
  }

  /// How a list of referrers describes this document (distribution-spec, "Pushing Manifests with Subject").
  public var referrerDescriptor: Descriptor {
    var descriptor = descriptor
    switch self {
    case .manifest(let manifest):
      descriptor.artifactType = manifest.value.artifactType ?? manifest.value.config.mediaType.rawValue
      descriptor.annotations = manifest.value.annotations
    case .index(let index):
      descriptor.artifactType = index.value.artifactType
      descriptor.annotations = index.value.annotations
    }
    return descriptor
  }
}
