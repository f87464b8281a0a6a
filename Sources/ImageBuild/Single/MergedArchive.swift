public import ArchiveIO
import Hashing
public import ImageArchive
import OrderedJSON

/// Several images in one docker-archive, as nixpkgs' `mergeImages` makes it (nix-dockertools.md, section 7); a layer that images have in common
/// is there once.
public struct MergedArchive: Sendable {
  /// An image and what it is called.
  public struct Item: Sendable {
    let image: BaseImage
    let names: [String]

    /// An image; `names` are `name:tag`, and may be none.
    public init(_ image: BaseImage, names: [String]) { (self.image, self.names) = (image, names) }
  }

  private let items: [Item]

  /// An archive of these images, in order.
  ///
  /// - Throws: `MergeError` when two have the same name.
  public init(_ items: [Item]) throws(MergeError) {
    var seen: Set<String> = []
    for name in items.flatMap(\.names) where !seen.insert(name).inserted { throw .name(name) }
    self.items = items
  }

  /// Writes it, blocking the calling thread.
  public func write(to output: ArchiveOutput, compressor: Compression) throws {
    let parts = items.flatMap(\.image.parts)
    let survey = LayerSurvey(parts, memory: nil)
    defer { survey.stop() }
    let layers = try parts.indices.map { try survey.facts(at: $0) }
    var entries: [String: RepositoryEntry] = [:]
    for (part, facts) in zip(parts, layers) {
      guard let recipe = part.recipe else { continue }
      entries[facts.diffID.hex] = RepositoryEntry(
        name: facts.diffID.hex,
        content: .layer([.document("VERSION", Array("1.0".utf8)), .layer(recipe, facts)]))
    }
    var manifests: [JSONValue] = []
    var rest = layers[...]
    for item in items {
      let own = rest.prefix(item.image.parts.count)
      rest = rest.dropFirst(own.count)
      let config = "\(Digest(of: item.image.document).hex).json"
      entries[config] = RepositoryEntry(name: config, content: .file(item.image.document))
      manifests.append([
        "RepoTags": item.names.isEmpty ? .null : .array(item.names.map { .string($0) }),
        "Layers": .array(own.map { .string("\($0.diffID.hex)/layer.tar") }), "Config": .string(config),
      ])
    }
    let manifest = SingleLayerForm.text(.array(manifests))
    entries["manifest.json"] = RepositoryEntry(name: "manifest.json", content: .file(manifest))
    try output.write(compressor.compress(RepositoryEntry.tar(of: Array(entries.values)), .archive))
  }
}

/// Why images cannot be in one archive.
public enum MergeError: Error, Hashable, CustomStringConvertible {
  /// Two have the same name.
  case name(String)

  /// One line for people.
  public var description: String {
    switch self {
    case .name(let name):
      "two of the images are called “\(name)”, and only one of them could be loaded; give one another name with NAME=IMAGE"
    }
  }
}
