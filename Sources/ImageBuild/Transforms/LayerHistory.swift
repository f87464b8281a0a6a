import OCIModel
import OrderedJSON

/// The steps that made an image, in two parts: those of some lower layers, and those of the ones above (image-spec, `history`).
///
/// Steps that made a layer belong to the layers in order; the others, marked `empty_layer`, belong to no layer.
struct LayerHistory: Hashable {
  /// The entries, oldest first, with every member that they have.
  var entries: [JSONValue]

  init(_ entries: [JSONValue]) { self.entries = entries }

  /// None when the config has no history or something else in its place.
  init(of config: ImageConfig) { entries = config["history"]?.array ?? [] }

  /// The number of layers that have an entry.
  var layerCount: Int { entries.count { !Self.isEmptyLayer($0) } }

  private static func isEmptyLayer(_ entry: JSONValue) -> Bool { entry["empty_layer"]?.bool ?? false }

  /// The same with entries for layers that have none, so that what follows belongs to the right layer.
  func filled(forLayers count: Int) -> LayerHistory {
    let missing = count - layerCount
    guard missing > 0 else { return self }
    let entry: JSONValue = ["comment": "a layer without history"]
    return LayerHistory(entries + [JSONValue](repeating: entry, count: missing))
  }

  /// What is left above a base: its history where that is the beginning, or else the entries of that many layers, are taken away.
  ///
  /// Entries without a layer that follow the last one taken are kept where only layers were counted: nobody can tell whose they are.
  func dropping(_ base: LayerHistory, layerCount: Int) -> LayerHistory {
    if base.layerCount == layerCount, entries.starts(with: base.entries) {
      return LayerHistory(Array(entries.dropFirst(base.entries.count)))
    }
    var rest = entries[...]
    var layers = layerCount
    while layers > 0, let entry = rest.popFirst() {
      if !Self.isEmptyLayer(entry) { layers -= 1 }
    }
    return LayerHistory(Array(rest))
  }
}
