/// Which store paths go into which layer of an image.
public struct LayerPlan: Sendable, Equatable {
  /// The paths of each layer that holds store paths, from the base upwards.
  ///
  /// Every path of the closure that is not ignored is in exactly one; no layer is empty.
  public let layers: [[StorePath]]
  /// What a user should know.
  public let warning: LayerPlanWarning?

  /// The most layers that Docker can use.
  public static let dockerLayerLimit = 127

  /// Spreads a closure over layers (nix-dockertools.md, section 3).
  ///
  /// The result does not depend on the order that the graph was written in. `auto` needs the sizes.
  ///
  /// - Parameters:
  ///   - maxLayers: The most layers of the whole image; one of them is for what is no store path.
  ///   - baseLayers: The number of layers of the base image.
  ///   - ignored: Paths that count as dependants, but go into no layer, such as the configuration file.
  public static func make(
    _ closure: Closure, layering: Layering = .popularity, maxLayers: Int, baseLayers: Int = 0,
    ignoring ignored: Set<StorePath> = []
  ) throws(LayerPlanError) -> LayerPlan {
    let used = 1 + baseLayers
    guard used < maxLayers else { throw .noRoom(usedLayers: used, maxLayers: maxLayers) }
    let available = maxLayers - used
    let all =
      switch layering {
      case .popularity:
        lumped(Popularity.order(of: closure).filter { !ignored.contains($0) }, available: available)
      case .auto: try AutoLayering.layers(of: closure, available: available)
      case .explicit(let lists):
        try explicit(lists, of: closure, available: available, ignoring: ignored)
      }
    let layers = all.map { $0.filter { !ignored.contains($0) } }.filter { !$0.isEmpty }
    let count = used + layers.count
    return LayerPlan(
      layers: layers, warning: count >= dockerLayerLimit ? .dockerLimit(layerCount: count) : nil)
  }

  /// A layer each for the first paths, and one for the rest.
  private static func lumped(_ paths: [StorePath], available: Int) -> [[StorePath]] {
    paths.prefix(available - 1).map { [$0] } + [Array(paths.dropFirst(available - 1))]
  }

  private static func explicit(
    _ lists: [[String]], of closure: Closure, available: Int, ignoring ignored: Set<StorePath>
  ) throws(LayerPlanError) -> [[StorePath]] {
    var seen: Set<StorePath> = []
    var layers: [[StorePath]] = []
    for list in lists {
      var layer: [StorePath] = []
      for text in list {
        let path = try listedPath(text, of: closure)
        guard seen.insert(path).inserted else { throw .repeated(path) }
        if !ignored.contains(path) { layer.append(path) }
      }
      if !layer.isEmpty { layers.append(layer) }
    }
    let rest = closure.nodes.map(\.path).filter { !seen.contains($0) && !ignored.contains($0) }
    if !rest.isEmpty { layers.append(rest.sorted(by: StorePath.isOrderedByName)) }
    guard layers.count <= available else { throw .tooManyLayers(layers.count, available: available) }
    return layers
  }

  private static func listedPath(
    _ text: String, of closure: Closure
  ) throws(LayerPlanError) -> StorePath {
    let path: StorePath
    do { path = try StorePath(parsing: text, storeDirectory: closure.storeDirectory) } catch {
      throw .path(error)
    }
    guard closure[path] != nil else { throw .outside(path) }
    return path
  }
}
