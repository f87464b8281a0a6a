import Hashing
public import ImageArchive
public import OCIModel

/// A document of a source with everything that it names: a manifest, or an index with its entries and what is below them.
public struct ImageTree: Sendable {
  /// The manifest or index.
  public let document: ManifestDocument
  /// What the index above says of it; nil for the root.
  public let entry: Descriptor?
  /// What an index names, in its order.
  public let children: [ImageTree]

  /// Deeper than any honest image needs.
  private static let maximumDepth = 5

  /// Fetches every document below the root of `source`, several at a time.
  ///
  /// - Throws: `TransformError.tooDeep`, and what fetching throws.
  public init(_ source: any ImageSource) async throws {
    try await self.init(source.root, entry: nil, source: source, depth: 0)
  }

  private init(
    _ document: ManifestDocument, entry: Descriptor?, source: any ImageSource, depth: Int
  ) async throws {
    self.document = document
    self.entry = entry
    guard case .index(let index) = document else {
      children = []
      return
    }
    guard depth < Self.maximumDepth else { throw TransformError.tooDeep(index.digest) }
    children = try await index.value.manifests.concurrentlyMapped { entry in
      try await ImageTree(source.document(entry), entry: entry, source: source, depth: depth + 1)
    }
  }

  /// The manifest, when this is a container image and no index, attestation or other artifact.
  public var image: Encoded<Manifest>? {
    guard case .manifest(let manifest) = document, entry?.isAttestation != true,
      manifest.value.imageKindError == nil
    else { return nil }
    return manifest
  }

  /// The manifests, in order; those of nested indexes are where the index is.
  public var leaves: [ImageTree] {
    if case .index = document { children.flatMap(\.leaves) } else { [self] }
  }

  /// Whether this names something else that it tells about, which has one of these digests.
  ///
  /// Builders name it by an annotation of the entry, others by `subject`.
  func belongs(toOneOf digests: Set<Digest>) -> Bool {
    if let subject = document.subject?.digest, digests.contains(subject) { return true }
    let text = entry?.annotations["vnd.docker.reference.digest"]
    return text.flatMap { try? Digest(parsing: $0) }.map(digests.contains) ?? false
  }
}

extension Collection where Self: Sendable, Element: Sendable {
  /// Requests that are under way at a time.
  private var width: Int { 6 }

  /// The results of `transform`, in order, several being computed at a time.
  func concurrentlyMapped<Result: Sendable>(
    _ transform: @escaping @Sendable (Element) async throws -> Result
  ) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
      var results = [Result?](repeating: nil, count: count)
      for (position, element) in enumerated() {
        if position >= width, let (done, result) = try await group.next() { results[done] = result }
        group.addTask { (position, try await transform(element)) }
      }
      for try await (done, result) in group { results[done] = result }
      return results.compactMap { $0 }
    }
  }
}
