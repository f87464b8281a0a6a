import ArchiveIO
import Hashing
public import OCIModel

/// An OCI layout as a place to copy to.
public struct OCILayoutDestination: ImageDestination {
  private let writer: OCILayoutWriter
  private let name: String?

  /// Writes through `writer`; the root is entered under `name`.
  public init(_ writer: OCILayoutWriter, name: String?) {
    self.writer = writer
    self.name = name
  }

  /// See `ImageDestination`.
  public func contains(_ blob: Descriptor) async throws -> Bool {
    try await Thread.run { try writer.contains(blob.digest) }
  }

  /// See `ImageDestination`.
  public func put(_ blob: Descriptor, content: any BlobContent, subject: String) async throws {
    try await Thread.run { try writer.add(content, as: blob, subject: subject) }
  }

  /// See `ImageDestination`.
  public func put(_ document: ManifestDocument) async throws {
    try await Thread.run { try writer.add(document.bytes, digest: document.digest) }
  }

  /// See `ImageDestination`.
  public func commit(_ root: ManifestDocument, referrers: [ManifestDocument]) async throws {
    let entries = referrers.map(\.referrerDescriptor)
    try await put(root)
    try await Thread.run { try writer.commit(root.descriptor, name: name, referrers: entries) }
  }

  /// See `ImageDestination`.
  public func abandon() async { writer.abandon() }
}
