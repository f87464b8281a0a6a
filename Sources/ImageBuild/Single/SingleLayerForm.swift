import Hashing
import OrderedJSON

/// An image as nixpkgs' `buildImage` describes it: with one layer of its own (nix-dockertools.md, section 5).
public struct SingleLayerForm: Sendable {
  /// The layer.
  let layer: ImageLayer
  /// The configuration without what is inherited; null when the spec has none.
  let ownConfig: JSONValue
  /// The date, in the spec's words.
  let created: String

  /// The image's configuration (section 5.5, step 8).
  func configuration(of image: LayeredImage, diffIDs: [Digest]) -> [UInt8] {
    var config = image.config.object ?? [:]
    // nixpkgs always writes it.
    if config["Env"] == nil { config["Env"] = [] }
    var document = description(of: image, config: .object(config))
    document["rootfs"] = [
      "diff_ids": .array(diffIDs.map { .string($0.description) }), "type": "layers",
    ]
    document["history"] = .array(diffIDs.map { _ in ["created": .string(created)] })
    return Self.text(.object(document))
  }

  /// The layer's `json` before it has an ID of its own (sections 5.3 and 5.5, step 7).
  func layerDocument(of image: LayeredImage, parent: String?) throws -> JSONObject {
    var document = description(of: image, config: ownConfig)
    document["checksum"] = .string(try layer.contentsTarsum())
    document["parent"] = parent.map { .string($0) }
    return document
  }

  /// What both have in common, in the order of Nix's `toJSON`; `preferLocalBuild` is a slip of nixpkgs' that every digest depends on.
  private func description(of image: LayeredImage, config: JSONValue) -> JSONObject {
    var document: JSONObject = [
      "architecture": .string(image.architecture), "config": config, "created": .string(created),
      "os": "linux", "preferLocalBuild": true,
    ]
    document["variant"] = image.variant.map { .string($0) }
    return document
  }

  /// As `jq` writes it.
  static func text(_ value: JSONValue) -> [UInt8] {
    value.serialized(.indented(by: 2)) + [UInt8(ascii: "\n")]
  }
}
