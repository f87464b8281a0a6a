import OCIModel
import OrderedJSON

/// Puts layers on top of images.
public struct Append: ImageTransform {
  private let layers: [NewLayer]
  private let created: String
  private let setsCreated: Bool

  /// Layers, the lowest first.
  ///
  /// - Parameters:
  ///   - created: The time that the history says (RFC 3339).
  ///   - setsCreated: Whether the images get it, too.
  public init(_ layers: [NewLayer], created: String, setsCreated: Bool) {
    self.layers = layers
    self.created = created
    self.setsCreated = setsCreated
  }

  /// See `ImageTransform`.
  ///
  /// - Throws: `TransformError.zstdInDocker`.
  public func apply(to image: inout ImageDraft) throws {
    let config = image.config
    var history = LayerHistory(of: config).filled(forLayers: config.diffIDs.count)
    for new in layers {
      guard let layer = new.layer(in: image.manifest.kind) else {
        throw TransformError.zstdInDocker(image: image.name, layer: new.name)
      }
      image.append(layer)
      history.entries.append([
        "created": .string(created), "created_by": .string("cooper append \(new.name)"),
      ])
    }
    image.config = try config.setting(diffIDs: config.diffIDs + layers.map(\.diffID))
      .setting("history", to: .array(history.entries))
    if setsCreated { image.config = try image.config.setting("created", to: .string(created)) }
  }
}
