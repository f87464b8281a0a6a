import Hashing
public import OCIModel

/// Copies an image, or an index with all its images, from one place to another.
///
/// What need not change keeps its bytes and so its digest. What the destination has is not read at the source.
public struct ImageCopy: Sendable {
  /// What is changed on the way.
  public struct Changes: Sendable {
    /// The family of the manifests; nil keeps it.
    public var kind: ManifestKind?
    /// The compression of the layers.
    public var layers = LayerChange.keep
    /// The entries of an index that are taken; nil takes all of them.
    public var platforms: [PlatformRequest]?
    /// Whether everything that belongs to what is copied goes along, and what belongs to that.
    public var includesReferrers = false

    /// No change.
    public init() {}
  }

  /// What happens to layers.
  public enum LayerChange: Sendable, Hashable {
    /// Bytes stay as they are.
    case keep
    /// Uncompressed layers are compressed with gzip; others stay.
    case compressUncompressed
    /// Every layer gets this compression, unless it has it.
    case all(LayerEncoding)
  }

  /// Where the images come from.
  public let source: any ImageSource
  /// Where they go.
  public let destination: any ImageDestination
  /// What is changed on the way.
  public let changes: Changes
  /// Makes room for layers whose bytes change.
  public let scratch: BlobCache

  /// Blobs that are under way at a time, for each image.
  private static let width = 6

  /// A copy.
  public init(
    from source: any ImageSource, to destination: any ImageDestination, changes: Changes, scratch: BlobCache
  ) {
    self.source = source
    self.destination = destination
    self.changes = changes
    self.scratch = scratch
  }

  /// What was copied.
  public struct Result: Sendable {
    /// The root as it was written.
    public let root: ManifestDocument
    /// What belongs to it or to something below it.
    public let referrers: [ManifestDocument]

    /// A result.
    public init(root: ManifestDocument, referrers: [ManifestDocument]) {
      self.root = root
      self.referrers = referrers
    }
  }

  /// Copies everything.
  ///
  /// After an error the destination has been told to abandon what it got.
  ///
  /// - Throws: `ReferrersLeftBehind` when something that is to be taken along belongs to a document that was changed.
  @discardableResult
  public func run() async throws -> Result {
    do {
      let log = CopiedDocuments()
      // Committing puts the root, too; what belongs to it wants to find it there before.
      let root = try await copyDocument(source.root, log: log, puts: changes.includesReferrers)
      let referrers = changes.includesReferrers ? try await copyReferrers(log: log) : []
      try await destination.commit(root, referrers: referrers)
      return Result(root: root, referrers: referrers)
    } catch {
      await destination.abandon()
      throw error
    }
  }

  func copyDocument(
    _ document: ManifestDocument, depth: Int = 0, log: CopiedDocuments, puts: Bool = true
  ) async throws -> ManifestDocument {
    let copied: ManifestDocument =
      switch document {
      case .manifest(let manifest): try await .manifest(copy(manifest, log: log))
      case .index(let index): try await .index(copy(index, depth: depth, log: log))
      }
    if puts { try await destination.put(copied) }
    log.add(document.digest, isChanged: copied.digest != document.digest)
    return copied
  }

  // MARK: Index

  private func copy(
    _ index: Encoded<ImageIndex>, depth: Int, log: CopiedDocuments
  ) async throws -> Encoded<ImageIndex> {
    guard depth < 5 else { throw IndexTooDeep(digest: index.digest) }
    var entries: [Descriptor] = []
    for entry in try chosenEntries(of: index.value) {
      let copied = try await copyDocument(source.document(entry), depth: depth + 1, log: log)
      entries.append(entry.replacing(with: copied))
    }
    let kind = changes.kind ?? index.value.kind
    var copied = index
    if entries != index.value.manifests || kind != index.value.kind {
      var value = index.value
      value.kind = kind
      value.manifests = entries
      copied = value.encoded()
    }
    return copied
  }

  /// The entries that were asked for, with the attestations that belong to them.
  private func chosenEntries(of index: ImageIndex) throws -> [Descriptor] {
    guard let platforms = changes.platforms else { return index.manifests }
    let chosen = Set(try platforms.map { try index.select($0).digest })
    return index.manifests.filter { entry in
      chosen.contains(entry.digest)
        || entry.isAttestation
          && chosen.contains { $0.description == entry.annotations[Self.attestationSubject] }
    }
  }

  private static let attestationSubject = "vnd.docker.reference.digest"

  // MARK: Manifest

  private func copy(
    _ manifest: Encoded<Manifest>, log: CopiedDocuments
  ) async throws -> Encoded<Manifest> {
    var layers: [Layer] = []
    var changed = manifest.value
    if changes.layers != .keep, manifest.value.imageKindError == nil {
      layers = try await changedLayers(of: manifest.value)
      changed.layers = layers.map(\.descriptor)
    }
    // Artifacts stay what they are: their types belong to no family of images.
    if let kind = changes.kind, manifest.value.imageKindError == nil {
      changed = try changed.converted(to: kind)
    }
    let copied = changed == manifest.value ? manifest : changed.encoded()
    try await putBlobs(of: copied.value, changedLayers: layers, log: log)
    return copied
  }

  private func putBlobs(of manifest: Manifest, changedLayers: [Layer], log: CopiedDocuments) async throws {
    var blobs: [(descriptor: Descriptor, content: (any BlobContent)?, subject: String)] = []
    for (index, layer) in manifest.layers.enumerated() {
      let content = changedLayers.isEmpty ? nil : changedLayers[index].content
      blobs.append((layer, content, "layer \(index + 1) of \(manifest.layers.count)"))
    }
    blobs.append((manifest.config, nil, "config"))
    // Images of one index share layers, and may have one layer more than once.
    let distinct = blobs.filter { log.isFirst(blob: $0.descriptor.digest) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, blob) in distinct.enumerated() {
        if index >= Self.width { try await group.next() }
        group.addTask { [blob] in
          try await put(blob.descriptor, content: blob.content, subject: blob.subject)
        }
      }
      try await group.waitForAll()
    }
  }

  private func put(_ blob: Descriptor, content: (any BlobContent)?, subject: String) async throws {
    if try await destination.contains(blob) { return }
    if let content { return try await destination.put(blob, content: content, subject: subject) }
    try await destination.put(blob, content: source.blob(blob, subject: subject), subject: subject)
  }

  private func changedLayers(of manifest: Manifest) async throws -> [Layer] {
    var layers: [Layer] = []
    var known: [Digest: Layer] = [:]
    for (index, descriptor) in manifest.layers.enumerated() {
      if let layer = known[descriptor.digest] {
        layers.append(layer)
        continue
      }
      let subject = "layer \(index + 1) of \(manifest.layers.count)"
      let layer = Layer(descriptor: descriptor, content: try await source.blob(descriptor, subject: subject))
      let compressor = LayerCompressor(changes.layers, kind: changes.kind ?? manifest.kind, scratch: scratch)
      let changed = try await compressor.change(layer, subject: subject)
      known[descriptor.digest] = changed
      layers.append(changed)
    }
    return layers
  }
}

extension Descriptor {
  /// This entry of an index, for a document that may have become another.
  public func replacing(with document: ManifestDocument) -> Descriptor {
    guard document.digest != digest else { return self }
    var entry = self
    entry.mediaType = document.mediaType
    entry.digest = document.digest
    entry.byteCount = Int64(document.bytes.count)
    entry.data = nil
    return entry
  }
}

/// Indexes within indexes, deeper than any honest image needs.
struct IndexTooDeep: Error, CustomStringConvertible {
  var digest: Digest
  var description: String { "the index \(digest) lies more than five indexes deep" }
}
