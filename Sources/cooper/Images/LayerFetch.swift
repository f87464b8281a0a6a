import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import Registry
import SystemPackage

/// The layers of one image, being fetched side by side into the cache while somebody reads them.
struct LayerFetch: Sendable {
  /// How many blobs are fetched at a time: what containers/image does.
  private static let width = 6

  /// The image, whose layers may be opened at once; reading waits for what has not arrived.
  let image: Image
  private let client: RegistryClient
  private let reference: Reference
  private let blobs: [Blob]
  private let progress: Progress

  /// One distinct blob.
  private struct Blob: Sendable {
    let entry: BlobCache.Entry
    let content: SpooledBlob
  }

  /// Prepares to fetch the layers of `remote` that are not among `present`.
  ///
  /// What an earlier run left in `cache` is hashed.
  init(
    _ remote: RemoteImage, client: RegistryClient, cache: BlobCache, progress: Progress,
    skipping present: Set<Digest> = []
  ) async throws {
    self.client = client
    self.progress = progress
    reference = remote.reference
    let descriptors = remote.manifest.value.layers
    let blobs = try await Thread.run { try Self.open(descriptors, in: cache, skipping: present) }
    self.blobs = descriptors.uniqued(by: \.digest).compactMap { blobs[$0.digest] }
    let layers = descriptors.compactMap { descriptor in
      blobs[descriptor.digest].map { Layer(descriptor: descriptor, content: $0.content) }
    }
    image = Image(manifest: remote.manifest, config: remote.config, layers: layers)
  }

  private static func open(
    _ descriptors: [Descriptor], in cache: BlobCache, skipping present: Set<Digest>
  ) throws -> [Digest: Blob] {
    var blobs: [Digest: Blob] = [:]
    for (index, descriptor) in descriptors.enumerated()
    where blobs[descriptor.digest] == nil && !present.contains(descriptor.digest) {
      let size = descriptor.byteCount >= 0 ? descriptor.byteCount : nil
      let entry = try cache.entry(for: descriptor.digest, byteCount: size)
      let subject = "layer \(index + 1) of \(descriptors.count)"
      blobs[descriptor.digest] = Blob(
        entry: entry, content: SpooledBlob(descriptor: descriptor, subject: subject, spool: entry.spool))
    }
    return blobs
  }

  /// Fetches everything, and meanwhile runs `body` on a thread of its own.
  ///
  /// When one of both fails, the other is ended too. On success the cache entries are removed.
  func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    let value = try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask {
        try await fetchAll()
        return nil
      }
      group.addTask { try await Thread.run(body) }
      var value: Value?
      do {
        while let next = try await group.next() { value = next ?? value }
      } catch {
        blobs.forEach { $0.content.fail(error) }
        // What has bytes stays for the next run.
        blobs.filter { $0.content.receivedByteCount == 0 }.forEach { $0.entry.remove() }
        throw error
      }
      return value
    }
    guard let value else { preconditionFailure("a task group lost a result") }
    removeCached()
    return value
  }

  /// The fetched blobs, for destinations that take them as files.
  var entries: [(descriptor: Descriptor, subject: String, entry: BlobCache.Entry)] {
    blobs.map { ($0.content.descriptor, $0.content.subject, $0.entry) }
  }

  private func removeCached() { blobs.forEach { $0.entry.remove() } }

  private func fetchAll() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, blob) in blobs.enumerated() {
        if index >= Self.width { try await group.next() }
        group.addTask { try await fetch(blob) }
      }
      try await group.waitForAll()
    }
  }

  private func fetch(_ blob: Blob) async throws {
    let content = blob.content
    let size = content.descriptor.byteCount
    let line = progress.begin(
      content.subject, total: size >= 0 ? size : nil, initial: content.receivedByteCount
    ) { content.receivedByteCount }
    do {
      // Like skopeo, a pull takes a layer whose size in the manifest is wrong: its digest decides.
      try await client.fetch(
        content.descriptor, from: reference, into: content, subject: content.subject, checksSize: false)
    } catch {
      content.fail(error)
      throw error
    }
    progress.end(line)
  }
}

extension Sequence {
  /// The elements whose key was not met before, in order.
  func uniqued<Key: Hashable>(by key: (Element) -> Key) -> [Element] {
    var seen: Set<Key> = []
    return filter { seen.insert(key($0)).inserted }
  }
}
