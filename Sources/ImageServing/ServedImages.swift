import Hashing
public import ImageArchive
import OCIModel

/// What a server has: documents by digest, tags, and the places of blobs.
///
/// Documents are read, checked and kept when they are added; blobs are opened when they are asked for.
public struct ServedImages: Sendable {
  /// Documents are kept in memory, at most so many bytes of them.
  static let documentLimit = 256 << 20
  /// Indexes lie at most so deep in each other.
  private static let depthLimit = 5

  /// A blob, and who has it.
  struct Blob: Sendable {
    var descriptor: Descriptor
    var source: any ImageSource
  }

  private let repository: String
  private(set) var documents: [Digest: ManifestDocument] = [:]
  private(set) var blobs: [Digest: Blob] = [:]
  /// By the digest of what they refer to.
  private(set) var referrers: [Digest: [Descriptor]] = [:]
  /// By repository and tag; every repository has every digest.
  private(set) var tags: [String: [String: Digest]] = [:]
  private var documentByteCount = 0

  /// No image yet; `repository` is the name of those that have only a tag.
  public init(repository: String) {
    self.repository = repository
    tags[repository] = [:]
  }

  /// The names of all images, `NAME:TAG`, in order.
  public var names: [String] {
    tags.flatMap { name, tags in tags.keys.map { "\(name):\($0)" } }.sorted()
  }

  /// Whether a repository may be called so.
  public static func isRepositoryName(_ text: String) -> Bool {
    guard let reference = try? Reference(parsing: "registry.invalid/\(text)") else { return false }
    return reference.path == text && reference.tag == nil && reference.digest == nil
  }

  // MARK: Adding

  /// Adds an image or index with everything below it that is there.
  ///
  /// `names` are tags, or references, whose registry is dropped. An image without one that is the only one gets the tag `latest`.
  ///
  /// - Throws: `TooManyDocuments`, and what the source throws about a document that is not what it should be.
  public mutating func add(_ source: any ImageSource, names: [String], isOnly: Bool) async throws {
    try await add(source.root, from: source, depth: 0)
    let places = names.compactMap(place(of:))
    for place in places { tags[place.repository, default: [:]][place.tag] = source.root.digest }
    if places.isEmpty, isOnly { tags[repository, default: [:]]["latest"] = source.root.digest }
    // The repository for bare tags is there for them, or for what has only digests.
    if tags.count > 1, tags[repository]?.isEmpty == true { tags[repository] = nil }
  }

  private func place(of name: String) -> (repository: String, tag: String)? {
    if !name.contains(where: { $0 == ":" || $0 == "/" || $0 == "@" }),
      (try? Reference(parsing: "registry.invalid/x:\(name)")) != nil
    {
      return (repository, name)
    }
    guard let reference = try? Reference(parsing: name), let tag = reference.effectiveTag else { return nil }
    // As people write them: nix, not library/nix.
    let isOfficial = reference.domain == "docker.io" && reference.path.hasPrefix("library/")
    return (isOfficial ? String(reference.path.dropFirst("library/".count)) : reference.path, tag)
  }

  private mutating func add(
    _ document: ManifestDocument, from source: any ImageSource, depth: Int
  ) async throws {
    guard documents[document.digest] == nil else { return }
    documentByteCount += document.bytes.count
    guard documentByteCount <= Self.documentLimit, depth < Self.depthLimit else { throw TooManyDocuments() }
    documents[document.digest] = document
    switch document {
    case .manifest(let manifest):
      for blob in [manifest.value.config] + manifest.value.layers where blobs[blob.digest] == nil {
        blobs[blob.digest] = Blob(descriptor: blob, source: source)
      }
      note(document, refersTo: manifest.value.subject)
    case .index(let index):
      note(document, refersTo: index.value.subject)
      for entry in index.value.manifests {
        guard let below = try await Self.document(entry, in: source) else { continue }
        try await add(below, from: source, depth: depth + 1)
      }
    }
  }

  /// Nil when it is not there: a layout may hold some platforms of an index only.
  private static func document(
    _ entry: Descriptor, in source: any ImageSource
  ) async throws -> ManifestDocument? {
    do { return try await source.document(entry) } catch let error as ImageArchiveError {
      if case .missing = error.problem { return nil }
      throw error
    }
  }

  /// Registers a referrer with what its descriptor in the list must say (distribution-spec, "Listing Referrers").
  private mutating func note(_ document: ManifestDocument, refersTo subject: Descriptor?) {
    guard let subject else { return }
    referrers[subject.digest, default: []].append(document.referrerDescriptor)
  }
}

/// Documents that are too many to keep, or that lie too deep in each other.
public struct TooManyDocuments: Error, Hashable, CustomStringConvertible {
  /// One line for people.
  public var description: String {
    "the manifests have more than \(ServedImages.documentLimit) bytes, or lie too deep in each other, for a server; copy the images that are wanted"
  }
}
