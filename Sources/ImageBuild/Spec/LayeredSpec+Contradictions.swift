import OrderedJSON

extension LayeredSpec {
  /// What cannot be meant together with a list of layers.
  var layeringContradictions: [SpecProblem] {
    guard case .explicit(let layers) = layering else { return [] }
    var problems: [SpecProblem] = []
    if layers.count >= maxLayers, maxLayers > 0 {
      let statement =
        "\(layers.count) layers and the one of “contents” are more than “maxLayers”, which is \(maxLayers)"
      problems.append(.contradiction(key: "layering", statement: statement))
    }
    var seen: Set<String> = []
    for path in layers.joined() where !seen.insert(path).inserted {
      problems.append(.contradiction(key: "layering", statement: "\(path) is there twice"))
    }
    return problems
  }
}
