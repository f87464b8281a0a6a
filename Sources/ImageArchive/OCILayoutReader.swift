public import ArchiveIO
import Hashing
public import OCIModel
public import SystemPackage

/// Reads an OCI image layout, in a directory or in a tar (image-spec, "Image Layout").
///
/// Calls block. Nothing is believed because of its name: what is read is hashed.
public struct OCILayoutReader: Sendable {
  /// An entry of `index.json`.
  public struct Entry: Sendable, Hashable {
    /// What it is.
    public let descriptor: Descriptor
    /// Its name, where it has one.
    public var name: String? { descriptor.annotations[OCILayoutIndex.nameAnnotation] }
  }

  /// Indexes lie at most so deep in each other.
  static let depthLimit = 5

  /// The place, for messages.
  public var path: String { files.path }
  /// `index.json`, whose digest no one vouches for.
  public let index: Encoded<ImageIndex>
  let files: any BlobFiles

  /// Opens the layout in a directory.
  ///
  /// Links that lead out of it are refused, unless `followsLinksOut`.
  public init(directory: FilePath, followsLinksOut: Bool = false) throws {
    try self.init(LayoutDirectory(directory, followsLinksOut: followsLinksOut))
  }

  /// Opens the layout in a tar.
  public init(archive: TarIndex) throws { try self.init(TarFiles(index: archive)) }

  init(_ files: any BlobFiles) throws {
    self.files = files
    try Self.checkVersion(files)
    let bytes = try files.document(
      "index.json", limit: ManifestDocument.maximumByteCount, subject: "index.json")
    do throws(DocumentError) {
      index = try ImageIndex.decode(bytes, contentType: .ociIndex)
    } catch {
      throw ImageArchiveError(files.path, .document("index.json", error))
    }
  }

  private static func checkVersion(_ files: any BlobFiles) throws {
    guard try files.file("oci-layout") != nil else {
      throw ImageArchiveError(files.path, .unknownFormat("there is no oci-layout in it"))
    }
    let marker = try files.document("oci-layout", limit: 4096, subject: "oci-layout")
    let version = OCILayoutIndex.version(marker)
    guard version == "1.0.0" else {
      throw ImageArchiveError(
        files.path, .version(version ?? String(decoding: marker.prefix(100), as: UTF8.self)))
    }
  }

  /// The entries in order.
  public var entries: [Entry] { index.value.manifests.map(Entry.init) }

  /// What there is to choose from.
  public var listings: [ImageListing] {
    entries.map { entry in
      let names = [entry.name, entry.descriptor.annotations[Self.containerdName]]
      return ImageListing(names: names.compactMap { $0 }.uniqued(), digest: entry.descriptor.digest)
    }
  }

  /// Everything in the layout: an image source whose root is `index.json`.
  public var all: LayoutImage { LayoutImage(root: .index(index), files: files) }

  /// The image, or index of images, that `selector` names, or the only one.
  ///
  /// A digest may also be that of something in an index.
  ///
  /// - Throws: `ImageArchiveError`, `ContentMismatch`.
  public func image(_ selector: ImageSelector? = nil) throws -> LayoutImage {
    LayoutImage(root: try files.document(descriptor(selector)), files: files)
  }

  /// Docker's own name of an image, with registry and tag.
  private static let containerdName = "io.containerd.image.name"

  private func descriptor(_ selector: ImageSelector?) throws -> Descriptor {
    let entries = index.value.manifests
    guard let selector else { return try only(of: entries, otherwise: .severalImages(listings)) }
    let found: [Descriptor]
    switch selector {
    case .position(let position): found = entries.indices.contains(position) ? [entries[position]] : []
    case .digest(let digest):
      found = try entries.first { $0.digest == digest }.map { [$0] } ?? nested(digest)
    case .name(let name): found = Self.entries(entries, named: name)
    }
    guard !found.isEmpty else {
      throw ImageArchiveError(path, .noSuchImage(selector, available: listings))
    }
    return try only(of: found, otherwise: .ambiguous(selector, available: listings))
  }

  /// The one thing that all entries are; one manifest may have several names.
  private func only(
    of entries: [Descriptor], otherwise problem: ImageArchiveError.Problem
  ) throws -> Descriptor {
    guard let first = entries.first else { throw ImageArchiveError(path, .empty) }
    guard entries.allSatisfy({ $0.digest == first.digest }) else { throw ImageArchiveError(path, problem) }
    return first
  }

  static func entries(_ entries: [Descriptor], named name: String) -> [Descriptor] {
    let exact = entries.filter { $0.annotations[OCILayoutIndex.nameAnnotation] == name }
    if !exact.isEmpty { return exact }
    return entries.filter { entry in
      [OCILayoutIndex.nameAnnotation, containerdName].contains { annotation in
        entry.annotations[annotation].map { ImageName($0) == ImageName(name) } == true
      }
    }
  }

  /// Looks for a digest in the indexes that the layout names.
  private func nested(_ digest: Digest) throws -> [Descriptor] {
    var found: Descriptor?
    try forEachManifest { entry in
      if entry.digest == digest { found = found ?? entry }
      return found == nil
    }
    return found.map { [$0] } ?? []
  }

  /// Every entry of `index.json`, and then of the indexes below it that are there; each once, until `body` returns false.
  func forEachManifest(_ body: (Descriptor) throws -> Bool) throws {
    var seen: Set<Digest> = []
    var level = index.value.manifests
    for _ in 0..<Self.depthLimit {
      var next: [Descriptor] = []
      for entry in level where seen.insert(entry.digest).inserted {
        guard try body(entry) else { return }
        guard entry.mediaType.isIndex, try files.file(entry.digest.layoutName) != nil else { continue }
        guard case .index(let index) = try files.document(entry) else { continue }
        next += index.value.manifests
        guard next.count <= ImageIndex.maximumEntryCount else {
          throw ImageArchiveError(path, .tooLarge("the list of images", limit: ImageIndex.maximumEntryCount))
        }
      }
      level = next
    }
  }
}

/// The name of an image as people write it, for comparing.
struct ImageName: Hashable {
  private let text: String

  /// Normalised where it is a reference; anything else stands for itself.
  init(_ text: String) {
    let reference = try? Reference(parsing: text)
    self.text =
      reference.map { "\($0.name):\($0.effectiveTag ?? "")\($0.digest.map { "@\($0)" } ?? "")" } ?? text
  }
}

extension Sequence where Element: Hashable {
  /// The elements in order, each once.
  func uniqued() -> [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
