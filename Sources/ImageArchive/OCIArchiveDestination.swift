import ArchiveIO
import Hashing
public import OCIModel
import Synchronization

/// A tar of an OCI image layout as a place to copy to.
///
/// Blobs are waited for as they come, so that those of a registry arrive side by side, and written when all are here: documents
/// first, then configs and layers in the order in which the documents name them. The same images give the same bytes.
public final class OCIArchiveDestination: ImageDestination {
  private struct State {
    var documents: [ManifestDocument] = []
    var blobs: [Digest: (descriptor: Descriptor, content: any BlobContent, subject: String)] = [:]
  }

  private let output: ArchiveOutput
  private let name: String?
  private let state = Mutex(State())

  /// Writes to `output` when everything is there; the root is entered under `name`.
  public init(_ output: ArchiveOutput, name: String?) {
    self.output = output
    self.name = name
  }

  /// See `ImageDestination`.
  public func contains(_ blob: Descriptor) async throws -> Bool {
    state.withLock { $0.blobs[blob.digest] != nil }
  }

  /// See `ImageDestination`.
  ///
  /// - Throws: `OCILayoutError.wrongSize` when the manifest gives another size: a tar's header promises it.
  public func put(_ blob: Descriptor, content: any BlobContent, subject: String) async throws {
    let found = try await Thread.run { try content.byteCount() }
    guard found == blob.byteCount else {
      throw OCILayoutError.wrongSize(subject: subject, expected: blob.byteCount, found: found)
    }
    state.withLock { $0.blobs[blob.digest] = (blob, content, subject) }
  }

  /// See `ImageDestination`.
  public func put(_ document: ManifestDocument) async throws {
    state.withLock { state in
      if state.documents.last?.digest != document.digest { state.documents.append(document) }
    }
  }

  /// See `ImageDestination`.
  public func commit(_ root: ManifestDocument, referrers: [ManifestDocument]) async throws {
    try await put(root)
    try await Thread.run { [self] in
      let target = try output.makeTarget()
      try write(root, referrers: referrers.map(\.referrerDescriptor), to: SequentialTar(target))
      _ = try target.finish()
    }
  }

  /// See `ImageDestination`.
  ///
  /// Whoever opened the output knows what becomes of it.
  public func abandon() async {}

  private func write(_ root: ManifestDocument, referrers: [Descriptor], to tar: SequentialTar) throws {
    try tar.append("oci-layout", OCILayoutIndex.marker)
    try tar.append(
      "index.json", OCILayoutIndex.adding(root.descriptor, name: name, referrers: referrers, to: nil))
    let (documents, blobs) = state.withLock { ($0.documents, $0.blobs) }
    var written: Set<Digest> = []
    for document in documents.reversed() where written.insert(document.digest).inserted {
      try tar.append(Self.path(document.digest), document.bytes)
    }
    for case .manifest(let manifest) in documents {
      for descriptor in [manifest.value.config] + manifest.value.layers {
        guard let blob = blobs[descriptor.digest], written.insert(descriptor.digest).inserted else {
          continue
        }
        let header = TarHeader(
          name: Self.path(descriptor.digest), mode: 0o444, byteCount: blob.descriptor.byteCount)
        try tar.append(header.encoded())
        try tar.append(blob.content.open())
        try tar.append([UInt8](repeating: 0, count: TarHeader.padding(after: blob.descriptor.byteCount)))
      }
    }
    try tar.append(TarHeader.endOfArchive)
  }

  private static func path(_ digest: Digest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }
}

/// A tar that is written from front to back.
private final class SequentialTar {
  private let target: any SequentialTarget
  private let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 8))

  init(_ target: any SequentialTarget) { self.target = target }

  /// Appends a whole small file.
  func append(_ name: String, _ content: [UInt8]) throws {
    try append(TarHeader(name: name, mode: 0o444, byteCount: Int64(content.count)).encoded())
    try append(content)
    try append([UInt8](repeating: 0, count: TarHeader.padding(after: Int64(content.count))))
  }

  func append(_ bytes: [UInt8]) throws { try append(ArraySource(bytes)) }

  func append(_ source: any ByteSource) throws { try target.take(source, filler) }
}
