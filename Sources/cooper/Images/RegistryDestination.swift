import ArchiveIO
import ImageArchive
import OCIModel
import Registry
import Synchronization

/// A repository as a place to copy to.
struct RegistryDestination: ImageDestination {
  let client: RegistryClient
  /// The repository, and the tag that the root gets.
  let reference: Reference
  /// More tags for the root.
  var furtherTags: [String] = []
  /// The repositories of registries that have a blob: those of the same registry are mounted.
  var origins: @Sendable (Descriptor) -> [Reference] = { _ in [] }
  /// Whether blobs that come from this very repository are there without being asked for.
  var trustsOwnRepository = false

  func contains(_ blob: Descriptor) async throws -> Bool {
    let origins = origins(blob).filter { $0.domain == reference.domain }
    if origins.contains(where: { $0.path == reference.path }) {
      // Layers that a registry may leave out may be left out here.
      if trustsOwnRepository, !blob.mediaType.isForeignLayer { return true }
    } else if let origin = origins.first {
      // A mount says as well that the blob is there, so it is no detour.
      if try await client.mount(blob, from: origin, to: reference) { return true }
    }
    return try await client.exists(blob, in: reference)
  }

  func put(_ blob: Descriptor, content: any BlobContent, subject: String) async throws {
    // The upload is read on the network's own thread, which must not wait for another transfer.
    try await Thread.run { try content.waitUntilComplete() }
    try await client.upload(blob, from: ContentUpload(content), to: reference, subject: subject)
  }

  func put(_ document: ManifestDocument) async throws {
    try await put(document, at: reference.withTag(nil).withDigest(document.digest))
  }

  private func put(_ document: ManifestDocument, at place: Reference) async throws {
    let receipt = try await client.put(document, at: place)
    // A registry without a list of its own leaves that to clients.
    if document.subject != nil, receipt.subject == nil {
      try await client.addReferrer(document, in: reference)
    }
  }

  /// A tag is a name as good as the digest, so that the root need not be put under both.
  func commit(_ root: ManifestDocument, referrers: [ManifestDocument]) async throws {
    guard let tag = reference.effectiveTag else { return try await put(root) }
    try await put(root, at: reference.withDigest(nil).withTag(tag))
    for tag in furtherTags { try await client.put(root, at: reference.withDigest(nil).withTag(tag)) }
  }

  /// Blobs stay for the next attempt; the registry collects what nobody names.
  func abandon() async {}
}

/// A blob as the body of an upload.
final class ContentUpload: BlobUploadSource {
  private let content: any BlobContent
  private let source = Mutex<Opened?>(nil)

  /// A source that is only read by one thread at a time, as the registry client promises.
  private final class Opened: @unchecked Sendable {
    let source: any ByteSource
    init(_ source: any ByteSource) { self.source = source }
  }

  init(_ content: any BlobContent) { self.content = content }

  func begin(at offset: Int64, resume: @escaping @Sendable () -> Void) throws {
    let buffered = BufferedSource(try content.open())
    // What is skipped is read all the same: only then is the end reached with a right digest.
    _ = try buffered.skip(offset)
    let opened = Opened(buffered)
    source.withLock { $0 = opened }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int? {
    guard let opened = source.withLock({ $0 }) else { return 0 }
    return try opened.source.read(into: buffer)
  }
}
