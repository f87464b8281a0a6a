import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import Registry

/// The layers of one image, being fetched side by side into the cache while somebody reads them.
struct LayerFetch: Sendable {
  /// The image, whose layers may be opened at once; reading waits for what has not arrived.
  let image: Image
  private let blobs: [RemoteBlob]

  /// Prepares to fetch the layers of `remote`.
  ///
  /// What an earlier run left in `cache` is hashed.
  init(_ remote: RemoteImage, client: RegistryClient, cache: BlobCache, progress: Progress) async throws {
    let descriptors = remote.manifest.value.layers
    let blobs = try await Thread.run {
      var blobs: [Digest: RemoteBlob] = [:]
      for (index, descriptor) in descriptors.enumerated() where blobs[descriptor.digest] == nil {
        blobs[descriptor.digest] = try RemoteBlob(
          descriptor, subject: "layer \(index + 1) of \(descriptors.count)", from: remote.reference,
          client: client, cache: cache, progress: progress, checksSize: false)
      }
      return blobs
    }
    self.blobs = descriptors.uniqued(by: \.digest).compactMap { blobs[$0.digest] }
    let layers = descriptors.compactMap { descriptor in
      blobs[descriptor.digest].map { Layer(descriptor: descriptor, content: $0) }
    }
    image = Image(manifest: remote.manifest, config: remote.config, layers: layers)
  }

  /// Prepares to fetch those layers of `image` that are in a registry.
  init(_ image: Image) {
    self.image = image
    blobs = image.layers.uniqued(by: \.descriptor.digest).compactMap { $0.content as? RemoteBlob }
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
        blobs.forEach { $0.fail(error) }
        // What has bytes stays for the next run.
        blobs.filter { $0.content.receivedByteCount == 0 }.forEach { $0.entry.remove() }
        throw error
      }
      return value
    }
    guard let value else { preconditionFailure("a task group lost a result") }
    blobs.forEach { $0.entry.remove() }
    return value
  }

  private func fetchAll() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, blob) in blobs.enumerated() {
        if index >= Layer.fetchWidth { try await group.next() }
        group.addTask { try await blob.fetch() }
      }
      try await group.waitForAll()
    }
  }
}

extension Sequence {
  /// The elements whose key was not met before, in order.
  func uniqued<Key: Hashable>(by key: (Element) -> Key) -> [Element] {
    var seen: Set<Key> = []
    return filter { seen.insert(key($0)).inserted }
  }
}
