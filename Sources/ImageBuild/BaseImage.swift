import ArchiveIO
public import ImageArchive
import OCIModel
public import OrderedJSON

/// An image from anywhere as the base of a layered image.
///
/// Its layers stay as they are stored where the result can have them so: in a registry or layout they keep their digests. In a docker-archive
/// they are written uncompressed, under their diff IDs.
public struct BaseImage: Sendable {
  /// The layers, from the base upwards.
  public private(set) var parts: [LayeredImage.Part]
  /// The runtime configuration.
  public let config: JSONObject
  /// The configuration, as it is stored.
  public var document: [UInt8] { image.config }
  /// The documents and layers.
  public let image: Image

  /// The image that is the root of `source`; `name` is for messages.
  ///
  /// - Throws: `LayeredImageError.base` when config and manifest contradict each other; what reading throws.
  public init(_ source: any ImageSource, name: String) async throws {
    let image = try await Image(source)
    self.image = image
    let config = try ImageConfig(image.config)
    guard config.diffIDs.count == image.layers.count else {
      throw LayeredImageError.base(
        path: name, problem: "it has \(image.layers.count) layers and \(config.diffIDs.count) diff IDs")
    }
    self.config = config["config"]?.object ?? [:]
    parts = zip(image.layers, config.diffIDs).enumerated().map { index, layer in
      LayeredImage.Part(
        message: "Adding base layer \(index + 1) from \(name)",
        comment: "layer \(index + 1) of \(name)", header: TarHeader(name: [], mode: 0o644),
        recipe: UncompressedBlob(layer: layer.0), promised: layer.1, stored: layer.0)
    }
  }

  /// Its files; all its layers are read for that, and their sizes are kept for whoever writes them.
  ///
  /// - Throws: what reading throws.
  public mutating func view() async throws -> FileSystemView {
    let (view, facts) = try await LayerStack(hashingContents: false).viewAndFacts(of: image)
    for (index, facts) in zip(parts.indices, facts) { parts[index].facts = facts }
    return view
  }

  /// `own` on top of the base's configuration: its variables, or all of it.
  ///
  /// Variables are joined by name, as nixpkgs does: each keeps its first place and its last value. Beyond that, all of it is what a
  /// Dockerfile's instructions leave of it: labels, ports and volumes are added, and an entry point takes the base's `Cmd` away.
  public func inherit(by own: JSONObject, everything: Bool) -> JSONObject {
    var result = own
    if everything {
      result = config
      if own["Entrypoint"]?.isNull == false { result["Cmd"] = nil }
      for member in own.members { result[member.name] = member.value }
      for name in ["Labels", "ExposedPorts", "Volumes"] {
        guard var joined = config[name]?.object, let added = own[name]?.object else { continue }
        for member in added.members { joined[member.name] = member.value }
        result[name] = .object(joined)
      }
    }
    func variables(_ object: JSONObject) -> [String] { object["Env"]?.array?.compactMap(\.string) ?? [] }
    let merged = BaseArchive.merge(variables(config), variables(own))
    if !merged.isEmpty { result["Env"] = .array(merged.map { .string($0) }) }
    return result
  }
}

/// A stored layer, decompressed when it is read.
private struct UncompressedBlob: LayerRecipe {
  let layer: Layer
  private var content: any BlobContent { layer.content }

  func open() throws -> any ByteSource { try content.openUncompressed() }

  /// Compressed data tells its size only to those who decompress it.
  func byteCount() throws -> Int64 {
    let stored = BufferedSource(try content.open())
    if Compression(firstBytes: try stored.peek(Compression.signatureByteCount)) == .none {
      return try content.byteCount()
    }
    return try measure().byteCount
  }

  /// The stored bytes are checked whenever they are read.
  func fingerprint() -> String? { "uncompressed \(layer.descriptor.digest)" }
}
