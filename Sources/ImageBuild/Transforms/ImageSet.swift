import Hashing
public import ImageArchive
public import OCIModel
import OrderedJSON

/// All images below a root, with their configurations: what is needed to change them.
public struct ImageSet: Sendable {
  /// Where everything is.
  public let source: any ImageSource
  let tree: ImageTree
  private let drafts: [ImageDraft.Identity: ImageDraft]
  /// The images, in the order of the index.
  public let images: [ImageDraft]

  /// Fetches the documents and configurations of `source`.
  ///
  /// - Parameter kind: The family that the manifests are to have; nil keeps it.
  /// - Throws: `ImageKindError` when the root is an artifact, `TransformError`, `ConversionError`, and what fetching throws.
  public init(_ source: any ImageSource, as kind: ManifestKind? = nil) async throws {
    self.source = source
    tree = try await ImageTree(source)
    if case .manifest(let manifest) = tree.document { try manifest.value.requireImage() }
    let found = tree.leaves.compactMap { leaf in leaf.image.map { (manifest: $0, entry: leaf.entry) } }
    guard !found.isEmpty else { throw TransformError.noImages(tree.document.digest) }
    images = try await found.concurrentlyMapped { image in
      let config = try ImageConfig(await source.config(of: image.manifest.value))
      var draft = try ImageDraft(image.manifest, config: config, entry: image.entry)
      if let kind { draft.manifest = try draft.manifest.converted(to: kind) }
      return draft
    }
    drafts = Dictionary(images.map { ($0.identity, $0) }) { first, _ in first }
    self.kind = kind
  }

  private let kind: ManifestKind?

  /// The same images, changed; what is no image is handed through.
  ///
  /// Entries of an index keep their order and what it says of them. What belongs to an image that changes, such as its
  /// attestation, would belong to nothing: it is left out, with a remark.
  ///
  /// - Throws: what `transform` throws.
  public func applying(_ transform: some ImageTransform) throws -> ComposedSource {
    try transform.check(imageCount: images.count)
    var composition = Composition(source: source, kind: kind, drafts: drafts, transform: transform)
    let root = try composition.document(for: tree).document
    return ComposedSource(root, parts: composition.parts, remarks: composition.remarks)
  }
}

/// The documents of a transformed source while they are made.
private struct Composition<Transform: ImageTransform> {
  let source: any ImageSource
  let kind: ManifestKind?
  let drafts: [ImageDraft.Identity: ImageDraft]
  let transform: Transform
  var parts = ComposedSource.Parts()
  var remarks: [String] = []
  /// Documents that have become others.
  private var changed: Set<Digest> = []

  init(
    source: any ImageSource, kind: ManifestKind?, drafts: [ImageDraft.Identity: ImageDraft],
    transform: Transform
  ) {
    self.source = source
    self.kind = kind
    self.drafts = drafts
    self.transform = transform
  }

  /// What becomes of a document, and of the platform that the index above gives it.
  mutating func document(for tree: ImageTree) throws -> (document: ManifestDocument, platform: Platform?) {
    parts.add(tree.document, from: source)
    var result = (document: tree.document, platform: tree.entry?.platform)
    switch tree.document {
    case .index(let index):
      result.document = .index(try self.index(index, of: tree))
    case .manifest(let manifest):
      let identity = ImageDraft.Identity(manifest.digest, entry: tree.entry)
      guard tree.image != nil, let draft = drafts[identity] else {
        if let entry = tree.entry, !entry.isAttestation, case .manifest(let other) = tree.document,
          let problem = other.value.imageKindError, other.value.artifactType == nil
        {
          remarks.append("\(manifest.digest) stays as it is: \(problem)")
        }
        return result
      }
      let image = try self.image(manifest, draft)
      result = (.manifest(image.manifest), image.platform)
    }
    if result.document.digest != tree.document.digest {
      changed.insert(tree.document.digest)
      parts.documents[result.document.digest] = result.document
    }
    return result
  }

  private mutating func image(
    _ original: Encoded<Manifest>, _ draft: ImageDraft
  ) throws -> (manifest: Encoded<Manifest>, platform: Platform?) {
    let before = draft.config.document.bytes
    var draft = draft
    try transform.apply(to: &draft)
    for (digest, content) in draft.made { parts.made[digest] = content }
    for (digest, source) in draft.borrowed { parts.sources[digest, default: []].append(source) }
    let config = draft.config.document.bytes
    if config != before {
      draft.manifest.config.digest = Digest(of: config)
      draft.manifest.config.byteCount = Int64(config.count)
      draft.manifest.config.data = nil
      parts.made[draft.manifest.config.digest] = BytesContent(config)
    }
    let manifest = draft.manifest == original.value ? original : draft.manifest.encoded()
    return (manifest, draft.entryPlatform)
  }

  private mutating func index(
    _ index: Encoded<ImageIndex>, of tree: ImageTree
  ) throws -> Encoded<ImageIndex> {
    var value = index.value
    var entries: [(tree: ImageTree, entry: Descriptor)] = []
    for child in tree.children {
      guard var entry = child.entry else { continue }
      let (document, platform) = try self.document(for: child)
      entry = entry.replacing(with: document)
      entry.platform = platform
      entries.append((child, entry))
    }
    value.manifests = entries.filter { keeps($0.tree) }.map(\.entry)
    value.kind = kind ?? value.kind
    try transform.apply(to: &value)
    return value == index.value ? index : value.encoded()
  }

  /// Whether an entry still means something.
  private mutating func keeps(_ child: ImageTree) -> Bool {
    guard child.image == nil, child.belongs(toOneOf: changed) else { return true }
    let digest = child.document.digest
    let type = child.entry?.annotations["vnd.docker.reference.type"] ?? child.entry?.artifactType
    remarks.append("left out \(type ?? "the entry") \(digest), which belongs to an image that was changed")
    return false
  }
}
