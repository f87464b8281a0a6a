import Hashing
public import ImageArchive
public import OCIModel

/// Documents that were made here, and blobs that come from other sources or were made here, too.
///
/// A blob that is only handed through is not even asked for unless the destination lacks it.
public struct ComposedSource: ImageSource {
  /// See `ImageSource`.
  public let root: ManifestDocument
  /// What people should know about the result.
  public let remarks: [String]
  private let parts: Parts

  /// What a composed source has.
  struct Parts: Sendable {
    /// Manifests and indexes below the root.
    var documents: [Digest: ManifestDocument] = [:]
    /// Blobs that no source has.
    var made: [Digest: any BlobContent] = [:]
    /// Who has each of the other blobs, the best one first.
    var sources: [Digest: [any ImageSource]] = [:]

    /// Notes a document, whose blobs are all in `source`.
    mutating func add(_ document: ManifestDocument, from source: any ImageSource) {
      documents[document.digest] = document
      guard case .manifest(let manifest) = document else { return }
      for blob in [manifest.value.config] + manifest.value.layers {
        sources[blob.digest, default: []].append(source)
      }
    }
  }

  init(_ root: ManifestDocument, parts: Parts, remarks: [String]) {
    self.root = root
    self.parts = parts
    self.remarks = remarks
  }

  /// See `ImageSource`.
  public func document(_ descriptor: Descriptor) async throws -> ManifestDocument {
    guard let document = parts.documents[descriptor.digest] else {
      preconditionFailure("a document that is not below the root")
    }
    return document
  }

  /// See `ImageSource`.
  public func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent {
    if let content = parts.made[descriptor.digest] { return content }
    guard let source = parts.sources[descriptor.digest]?.first else {
      preconditionFailure("a blob that no manifest names")
    }
    return try await source.blob(descriptor, subject: subject)
  }

  /// See `ImageSource`.
  public func origins(of blob: Descriptor) -> [Reference] {
    (parts.sources[blob.digest] ?? []).flatMap { $0.origins(of: blob) }
  }
}
