import ArchiveIO
import ImageArchive
import OCIModel
import Registry
import Synchronization
import SystemPackage

/// A blob of a registry that is fetched into the cache when somebody wants it, and only once.
final class RemoteBlob: MovableBlob {
  let content: SpooledBlob
  let entry: BlobCache.Entry
  private let client: RegistryClient
  private let reference: Reference
  private let progress: Progress
  private let checksSize: Bool
  private let transfer = Mutex<Task<Void, any Error>?>(nil)

  /// Opens the cache entry, hashing what an earlier run left in it; this may take a while.
  ///
  /// - Parameter checksSize: False for layers of images that are pinned by hash: like skopeo, a pull takes one whose size in the manifest is wrong.
  init(
    _ descriptor: Descriptor, subject: String, from reference: Reference, client: RegistryClient,
    cache: BlobCache, progress: Progress, checksSize: Bool
  ) throws {
    let size = descriptor.byteCount >= 0 ? descriptor.byteCount : nil
    entry = try cache.entry(for: descriptor.digest, byteCount: size)
    content = SpooledBlob(descriptor: descriptor, subject: subject, spool: entry.spool)
    self.client = client
    self.reference = reference
    self.progress = progress
    self.checksSize = checksSize
  }

  /// Fetches the blob, or waits for whoever does.
  func fetch() async throws {
    let task = start()
    try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }

  @discardableResult
  private func start() -> Task<Void, any Error> {
    transfer.withLock { transfer in
      if let transfer { return transfer }
      let task = Task { try await self.transferAll() }
      transfer = task
      return task
    }
  }

  private func transferAll() async throws {
    let (content, size) = (content, content.descriptor.byteCount)
    let line = progress.begin(
      content.subject, total: size >= 0 ? size : nil, initial: content.receivedByteCount
    ) { content.receivedByteCount }
    do {
      try await client.fetch(
        content.descriptor, from: reference, into: content, subject: content.subject, checksSize: checksSize)
    } catch {
      content.fail(error)
      throw error
    }
    progress.end(line)
  }

  /// Says that nobody needs the blob any more, or that it cannot be had.
  func fail(_ error: any Error) { content.fail(error) }

  // MARK: BlobContent

  func prefetch() { start() }

  func open() throws -> any ByteSource {
    start()
    return try content.open()
  }

  func waitUntilComplete() throws {
    start()
    try content.waitUntilComplete()
  }

  func byteCount() throws -> Int64 {
    start()
    return try content.byteCount()
  }

  func suffix(_ count: Int) throws -> [UInt8] {
    start()
    return try content.suffix(count)
  }

  func move(to path: FilePath) throws {
    try waitUntilComplete()
    try entry.move(to: path)
  }
}
