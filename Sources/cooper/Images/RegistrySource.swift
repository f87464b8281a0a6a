import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import Registry
import Synchronization

/// An image or index in a registry, as a place to copy from.
final class RegistrySource: ImageSource {
  let root: ManifestDocument
  private let reference: Reference
  private let client: RegistryClient
  private let cache: BlobCache
  private let progress: Progress
  /// Blobs that are here already.
  private let known: [Digest: [UInt8]]
  private let blobs = Mutex<[Digest: RemoteBlob]>([:])

  /// Fetches what `reference` names.
  init(_ reference: Reference, access: RegistryAccess, cache: BlobCache) async throws {
    self.reference = reference
    client = access.client
    progress = access.progress
    self.cache = cache
    known = [:]
    root = try await client.document(for: reference)
  }

  /// The image of one platform, whose documents were fetched before.
  init(_ image: RemoteImage, client: RegistryClient, cache: BlobCache, progress: Progress) {
    reference = image.reference
    self.client = client
    self.progress = progress
    self.cache = cache
    known = [image.manifest.value.config.digest: image.config]
    root = .manifest(image.manifest)
  }

  func document(_ descriptor: Descriptor) async throws -> ManifestDocument {
    try await client.document(for: reference.withDigest(descriptor.digest))
  }

  func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent {
    if let bytes = known[descriptor.digest] { return BytesContent(bytes) }
    if let known = blobs.withLock({ $0[descriptor.digest] }) { return known }
    let (reference, client, cache, progress) = (reference, client, cache, progress)
    let blob = try await Thread.run {
      try RemoteBlob(
        descriptor, subject: subject, from: reference, client: client, cache: cache, progress: progress,
        checksSize: true)
    }
    return blobs.withLock { blobs in
      let first = blobs[descriptor.digest] ?? blob
      blobs[descriptor.digest] = first
      return first
    }
  }

  func referrers(of digest: Digest) async throws -> [Descriptor] {
    try await client.referrers(of: digest, in: reference).manifests
  }

  func origins(of blob: Descriptor) -> [Reference] { [reference] }

  /// Ends the progress display, and removes from the cache what was copied; after a failure, only what has no bytes.
  func finish(isSuccess: Bool = true) {
    progress.finish()
    blobs.withLock { blobs in
      for blob in blobs.values where isSuccess || blob.content.receivedByteCount == 0 { blob.entry.remove() }
    }
  }
}
