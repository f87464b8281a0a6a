public import ArchiveIO
import Hashing
import OCIModel

/// Reads a docker-archive of any program that writes one (docker-archive-bytes.md, "Reading docker-archives").
///
/// Which members are the config and the layers of which image is only taken from `manifest.json`. Layers stay as they are stored.
public struct DockerArchiveReader: Sendable {
  /// The archive, for messages.
  public var path: String { files.path }
  let items: [DockerArchiveList.Item]
  private let files: TarFiles

  /// Reads `manifest.json`.
  ///
  /// - Throws: `ImageArchiveError`.
  public init(_ index: TarIndex) throws {
    files = TarFiles(index: index)
    let name = DockerArchiveList.memberName
    let bytes = try files.document(name, limit: DockerArchiveList.maximumByteCount, subject: name)
    do throws(DocumentError) {
      items = try DockerArchiveList(bytes).items
    } catch {
      throw ImageArchiveError(index.file.path, .document(name, error))
    }
  }

  /// What there is to choose from.
  public var listings: [ImageListing] { items.map { ImageListing(names: $0.tags, digest: nil) } }

  /// The image that `selector` names, or the only one.
  ///
  /// Its root is the manifest that the archive has for exactly these files, or a new one: Docker's of schema 2, or OCI's when a
  /// layer is compressed with zstd. Compressed layers whose digests nobody tells are hashed now.
  ///
  /// - Throws: `ImageArchiveError`, `ContentMismatch`, `DecompressionError`.
  public func image(_ selector: ImageSelector? = nil) async throws -> any ImageSource {
    let contents = try await Thread.run { [self] in
      try DockerArchiveContents(item(selector), files: files)
    }
    if let original = try await Thread.run({ try contents.originalManifest() }) { return original }
    return try await contents.synthesized()
  }

  private func item(_ selector: ImageSelector?) throws -> DockerArchiveList.Item {
    guard let selector else { return try only(of: items, otherwise: .severalImages(listings)) }
    let found: [DockerArchiveList.Item]
    switch selector {
    case .position(let position): found = items.indices.contains(position) ? [items[position]] : []
    case .name(let name):
      let wanted = ImageName(name)
      found = items.filter { $0.tags.contains { ImageName($0) == wanted } }
    // The archive has no digests of manifests.
    case .digest: found = []
    }
    guard !found.isEmpty else {
      throw ImageArchiveError(path, .noSuchImage(selector, available: listings))
    }
    return try only(of: found, otherwise: .ambiguous(selector, available: listings))
  }

  /// The one image that all items are; some programs write an item for each name.
  private func only(
    of items: [DockerArchiveList.Item], otherwise problem: ImageArchiveError.Problem
  ) throws -> DockerArchiveList.Item {
    guard let first = items.first else { throw ImageArchiveError(path, .empty) }
    guard items.allSatisfy({ $0.config == first.config && $0.layers == first.layers }) else {
      throw ImageArchiveError(path, problem)
    }
    return first
  }
}
