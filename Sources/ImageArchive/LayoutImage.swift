import ArchiveIO
public import Hashing
public import OCIModel

/// An image, or an index of images, in an OCI layout.
public struct LayoutImage: ImageSource {
  /// See `ImageSource`.
  public let root: ManifestDocument
  let files: any BlobFiles
  private let belonging = LayoutReferrers()

  init(root: ManifestDocument, files: any BlobFiles) {
    self.root = root
    self.files = files
  }

  /// See `ImageSource`.
  public func document(_ descriptor: Descriptor) async throws -> ManifestDocument {
    try await Thread.run { [files] in try files.document(descriptor) }
  }

  /// See `ImageSource`.
  ///
  /// Opens nothing yet.
  public func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent {
    StoredBlob(descriptor, subject: subject) { [files] in
      try files.requiredFile(descriptor.digest.layoutName, subject: subject)
    }
  }

  /// See `ImageSource`.
  ///
  /// Entries of `index.json` with a `subject` are looked for once.
  public func referrers(of digest: Digest) async throws -> [Descriptor] {
    try await Thread.run { [files, belonging] in try belonging.referrers(of: digest, in: files) }
  }
}
