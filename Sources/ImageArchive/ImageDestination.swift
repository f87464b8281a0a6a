public import OCIModel

/// A place that an image, or an index of images, is written to blob by blob: a registry or an OCI layout.
///
/// The order of the calls is what registries want: blobs, then the manifests that name them, then indexes, then `commit`.
public protocol ImageDestination: Sendable {
  /// Whether the blob is there, so that it need not be put. A registry may mount it from elsewhere first.
  func contains(_ blob: Descriptor) async throws -> Bool

  /// Puts a blob. Its bytes are checked on the way, by whoever reads them.
  func put(_ blob: Descriptor, content: any BlobContent, subject: String) async throws

  /// Puts a manifest or index under its digest.
  func put(_ document: ManifestDocument) async throws

  /// Puts the root, unless that was done before, gives it its names, and makes `referrers`, which were put before, known as belonging to their subjects.
  ///
  /// Before this, nobody sees anything.
  func commit(_ root: ManifestDocument, referrers: [ManifestDocument]) async throws

  /// Removes what was put, as far as that is the custom of the place: a registry keeps blobs for the next attempt.
  func abandon() async
}

extension ImageDestination {
  /// Gives the root its names.
  public func commit(_ root: ManifestDocument) async throws { try await commit(root, referrers: []) }
}
