public import Hashing
public import ImageArchive
public import OCIModel

/// The entries of an index that is being put together, with the places that they come from.
///
/// Indexes are taken apart: an entry is always a manifest.
public struct IndexContents: Sendable {
  private struct Entry: Sendable {
    let tree: ImageTree
    var descriptor: Descriptor
    let source: any ImageSource
    let place: String
  }

  private var entries: [Entry] = []
  /// What an index says of itself, where there was one.
  private var template: ImageIndex?
  private var remarks: [String] = []

  /// Nothing.
  public init() {}

  /// What an index has, and what it says of itself; `place` is its name in messages.
  ///
  /// - Throws: `IndexError.notAnIndex`, and what fetching throws.
  public init(index source: any ImageSource, at place: String) async throws {
    guard case .index(let index) = source.root else { throw IndexError.notAnIndex(place) }
    template = index.value
    entries = try await entries(of: source, at: place)
  }

  // MARK: Adding

  /// Adds an image, or every entry of an index, behind what is there.
  ///
  /// What the manifest of a single image does not say of its platform, its config does.
  ///
  /// - Throws: `IndexError.samePlatform` and `.sameManifest` when something like it is there, and what fetching throws.
  public mutating func add(_ source: any ImageSource, at place: String) async throws {
    let added = try await entries(of: source, at: place)
    for entry in added {
      if let twin = entries.first(where: { $0.descriptor.digest == entry.descriptor.digest }) {
        throw IndexError.sameManifest(entry.descriptor.digest, first: twin.place, second: place)
      }
      guard entry.tree.image != nil, let platform = entry.descriptor.platform else { continue }
      if let twin = entries.first(where: { $0.tree.image != nil && $0.descriptor.platform == platform }) {
        throw IndexError.samePlatform(platform, first: twin.place, second: place)
      }
    }
    entries += added
  }

  private mutating func entries(of source: any ImageSource, at place: String) async throws -> [Entry] {
    let tree = try await ImageTree(source)
    for child in tree.children where !child.children.isEmpty {
      remarks.append(
        "the index \(child.document.digest) within \(place) is taken apart; what it says of itself is lost")
    }
    return try await tree.leaves.concurrentlyMapped { leaf in
      Entry(
        tree: leaf, descriptor: try await Self.descriptor(of: leaf, in: source), source: source, place: place)
    }
  }

  private static func descriptor(of leaf: ImageTree, in source: any ImageSource) async throws -> Descriptor {
    var descriptor = leaf.entry ?? leaf.document.descriptor
    guard case .manifest(let manifest) = leaf.document else { return descriptor }
    if leaf.image == nil {
      descriptor.artifactType = descriptor.artifactType ?? manifest.value.artifactType
    } else if descriptor.platform?.os.isEmpty ?? true {
      descriptor.platform = try ImageConfig(await source.config(of: manifest.value)).platform
    }
    return descriptor
  }

  // MARK: Choosing

  /// Takes the images for these platforms and the entries with these digests away, with the attestations of those images.
  ///
  /// A platform without a variant means all of its variants.
  ///
  /// - Throws: `IndexError` when one of them is not there, or nothing would be left.
  public mutating func remove(platforms: [PlatformRequest], digests: [Digest]) throws(IndexError) {
    var removed = try self.digests(of: platforms)
    for digest in digests {
      guard entries.contains(where: { $0.descriptor.digest == digest }) else { throw .noDigest(digest) }
      removed.insert(digest)
    }
    try keep { entry in
      !removed.contains(entry.descriptor.digest)
        && (entry.tree.image != nil || !entry.tree.belongs(toOneOf: removed))
    }
  }

  /// Keeps the images for these platforms and their attestations, and nothing else.
  ///
  /// A platform without a variant means all of its variants.
  ///
  /// - Throws: `IndexError.noPlatform` when one of them is not there.
  public mutating func filter(platforms: [PlatformRequest]) throws(IndexError) {
    let kept = try digests(of: platforms)
    try keep { entry in
      kept.contains(entry.descriptor.digest)
        || entry.tree.image == nil && entry.tree.belongs(toOneOf: kept)
    }
  }

  private mutating func keep(_ isKept: (Entry) -> Bool) throws(IndexError) {
    for entry in entries where entry.tree.image == nil && !isKept(entry) {
      remarks.append(
        "left out \(entry.descriptor.artifactType ?? "the entry") \(entry.descriptor.digest), which is no image"
      )
    }
    entries = entries.filter(isKept)
    if !entries.contains(where: { $0.tree.image != nil }) { throw .nothingLeft }
  }

  private func digests(of platforms: [PlatformRequest]) throws(IndexError) -> Set<Digest> {
    var found: Set<Digest> = []
    let images = entries.filter { $0.tree.image != nil }
    for platform in platforms {
      let matching = images.filter { $0.descriptor.platform.map(platform.includes) ?? false }
      guard !matching.isEmpty else {
        let available = images.compactMap { $0.descriptor.platform?.description }.joined(separator: ", ")
        throw .noPlatform("\(platform)", available: available.isEmpty ? "no image" : available)
      }
      found.formUnion(matching.map(\.descriptor.digest))
    }
    return found
  }

  // MARK: The index

  /// The index: Docker's list when all entries are Docker's, and an OCI index otherwise.
  public func source() -> ComposedSource {
    let kinds = entries.map { entry in
      if case .manifest(let manifest) = entry.tree.document { manifest.value.kind } else { ManifestKind.oci }
    }
    let isDocker = template?.kind != .oci && kinds.allSatisfy { $0 == .docker }
    var index = template ?? ImageIndex(kind: .oci, manifests: [])
    index.kind = isDocker ? .docker : .oci
    index.manifests = entries.map(\.descriptor)
    var parts = ComposedSource.Parts()
    for entry in entries { parts.add(entry.tree.document, from: entry.source) }
    return ComposedSource(.index(index.encoded()), parts: parts, remarks: remarks)
  }
}

extension PlatformRequest {
  /// Whether an image for `platform` is meant when an index is edited, where nothing may be guessed.
  fileprivate func includes(_ platform: Platform) -> Bool {
    platform.os == os && platform.architecture == architecture
      && (variant == nil || platform.variant == variant)
  }
}
