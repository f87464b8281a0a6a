/// How the paths of a closure are spread over layers.
public enum Layering: Sendable, Hashable {
  /// The rule of the dockerTools manual: the most depended-on paths get a layer each, the rest shares the last
  /// (nix-dockertools.md, section 3.3).
  case popularity
  /// The rule of the newest nixpkgs: paths that are used by the same large paths share a layer (section 3.2).
  case auto
  /// A list of full store paths for each layer, the lowest layer first; paths that are in none share the last.
  case explicit([[String]])
}

/// Something about a plan that a user should know, though the image can be made.
public enum LayerPlanWarning: Sendable, Hashable, CustomStringConvertible {
  /// The image has that many layers in all.
  case dockerLimit(layerCount: Int)

  /// One line for people.
  public var description: String {
    switch self {
    case .dockerLimit(let count):
      "the image has \(count) layers; Docker takes \(LayerPlan.dockerLayerLimit) at most, and images built on this one have no room: lower maxLayers"
    }
  }
}

/// Why the paths cannot be spread over layers.
public enum LayerPlanError: Error, Hashable, CustomStringConvertible {
  /// The layers of the base image and the one for customisation leave none for store paths.
  case noRoom(usedLayers: Int, maxLayers: Int)
  /// The rule needs the size of this path's archive.
  case unmeasured(StorePath)
  /// A listed path is none of a store.
  case path(StorePathError)
  /// A listed path is not in the closure.
  case outside(StorePath)
  /// A path is listed twice.
  case repeated(StorePath)
  /// More layers are listed than there is room for, the one for unlisted paths included.
  case tooManyLayers(Int, available: Int)

  /// One line for people; the first one is nixpkgs' own.
  public var description: String {
    switch self {
    case .noRoom(let used, let most):
      "Error: usedLayers \(used) layers to store 'fromImage' and 'extraCommands', but only maxLayers=\(most) were allowed. At least 1 layer is required to store contents."
    case .unmeasured(let path):
      "layering “auto” needs the sizes of all paths, and the reference graph lacks that of \(path): give a graph with sizes (nix path-info --json), or use “popularity”"
    case .path(let error): "layering: \(error)"
    case .outside(let path): "layering lists \(path), which is not in the closure of the image"
    case .repeated(let path): "layering lists \(path) twice"
    case .tooManyLayers(let count, let available):
      "layering needs \(count) layers with the one for paths that are not listed, but maxLayers leaves room for \(available)"
    }
  }
}
