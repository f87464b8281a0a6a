public import ArchiveIO
public import Hashing
public import ImageArchive
public import OrderedJSON

/// An image of layers that are made while it is written, as nixpkgs' stream script writes it (nix-dockertools.md, sections 2.9 to 2.11).
public struct LayeredImage: Sendable {
  /// One layer.
  public struct Part: Sendable {
    /// What is said when it is written.
    public var message: String
    /// What the image's history says of it.
    public var comment: String
    /// Its member in the archive; an empty name is replaced by `DIGEST/layer.tar`.
    public var header: TarHeader
    /// Its bytes; nil for a link to another member.
    public var recipe: (any LayerRecipe)?
    /// Its digest, where somebody promised one.
    public var promised: Digest?
    /// What is known of the bytes of `recipe`, when they have been measured already.
    public var facts: LayerFacts?
    /// The layer as a base image has it.
    public var stored: Layer?
  }

  /// The layers from the base upwards.
  public var parts: [Part]
  /// What is said before the first layer is written.
  public var preamble: String?
  /// Goes into the image as it is.
  public var architecture: String
  /// The runtime configuration.
  public var config: JSONValue
  /// When it was made.
  public var created: DateText
  /// When the members of the archive were changed.
  public var modified: DateText
  /// `name:tag`.
  public var repoTag: String
  /// Of the architecture; most have none.
  public var variant: String?
  /// What makes it an image as `buildImage` writes it; nil for one of the stream script's.
  public var single: SingleLayerForm?

  /// An image of these layers.
  public init(
    parts: [Part], architecture: String, config: JSONValue, created: DateText, modified: DateText,
    repoTag: String
  ) {
    self.parts = parts
    self.architecture = architecture
    self.config = config
    self.created = created
    self.modified = modified
    self.repoTag = repoTag
  }

  /// Adds a layer of store paths.
  public mutating func append(_ layer: StoreLayer) { parts.append(part(of: layer)) }

  /// Adds a layer of a plain directory.
  public mutating func append(_ layer: DirectoryLayer) {
    append(layer, message: "from \(layer.directory)", comment: "directory")
  }

  /// Adds the one layer of an image as `buildImage` writes it, which is known by its own text of the date.
  public mutating func append(single layer: ImageLayer, ownConfig: JSONValue, created: String) {
    append(layer, message: "with everything that is new", comment: "layer")
    single = SingleLayerForm(layer: layer, ownConfig: ownConfig, created: created)
  }

  /// Learns the digest and size of the last layer, and keeps them.
  public mutating func measureLast() async throws -> LayerFacts {
    guard let index = parts.indices.last, let recipe = parts[index].recipe else {
      preconditionFailure("an image without a layer of its own")
    }
    if let facts = parts[index].facts { return facts }
    let facts = try await Thread.run { try recipe.measure() }
    parts[index].facts = facts
    return facts
  }

  /// Adds the layer that comes last.
  public mutating func append(customisation layer: any LayerRecipe) {
    append(layer, message: "with customisation...", comment: "customisation layer")
  }

  private mutating func append(_ layer: any LayerRecipe, message: String, comment: String) {
    var header = TarHeader(name: [], mode: 0o444)
    header.modificationTime = modified.seconds
    parts.append(
      Part(
        message: "Creating layer \(parts.count + 1) \(message)", comment: comment, header: header,
        recipe: layer,
        promised: nil))
  }

  /// The image's configuration, whose digest is the image's ID.
  func configuration(diffIDs: [Digest]) -> [UInt8] {
    if let single { return single.configuration(of: self, diffIDs: diffIDs) }
    var document: JSONObject = [
      "created": .string(created.text), "architecture": .string(architecture), "os": "linux",
    ]
    document["variant"] = variant.map { .string($0) }
    document["config"] = config
    document["rootfs"] = [
      "diff_ids": .array(diffIDs.map { .string($0.description) }), "type": "layers",
    ]
    document["history"] = .array(
      parts.map { ["created": .string(created.text), "comment": .string($0.comment)] })
    return JSONValue.object(document).serialized(.python(indent: 4))
  }

  /// `manifest.json` for layers of these names.
  func manifest(configName: String, layerNames: [String]) -> [UInt8] {
    JSONValue.array([
      [
        "Config": .string(configName), "RepoTags": [.string(repoTag)],
        "Layers": .array(layerNames.map { .string($0) }),
      ]
    ]).serialized(.python(indent: 4))
  }

  /// The header of a document.
  func header(of name: String, byteCount: Int) -> TarHeader {
    var header = TarHeader(name: name, mode: 0o644, byteCount: Int64(byteCount))
    header.modificationTime = modified.seconds
    return header
  }
}

extension LayeredImage.Part {
  /// The member's header when the layer has these facts.
  func header(for facts: LayerFacts) -> TarHeader {
    var header = header
    if header.name.isEmpty { header.name = Array("\(facts.diffID.hex)/layer.tar".utf8) }
    header.byteCount = facts.byteCount
    return header
  }
}
