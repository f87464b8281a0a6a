@testable import NixStore

/// Layering as nix-dockertools.md tells it in sections 3.2 and 3.3, step by step, with sets and dictionaries of
/// whole paths; slow, and not made from the program's own.
struct SlowLayering {
  typealias Path = String

  private let references: [Path: Set<Path>]
  private let sizes: [Path: Int64]
  private let paths: [Path]

  init(_ closure: Closure) {
    paths = closure.nodes.map(\.path.description)
    sizes = Dictionary(uniqueKeysWithValues: closure.nodes.map { ($0.path.description, $0.narSize ?? 0) })
    references = Dictionary(
      uniqueKeysWithValues: closure.nodes.map { node in
        (node.path.description, Set(node.references.map(\.description)).subtracting([node.path.description]))
      })
  }

  // MARK: Popularity

  /// A tree node as the rule has it: what is below each child.
  private indirect enum Tree {
    case children([Path: Tree])
  }

  private func tree(_ path: Path) -> Tree {
    .children(Dictionary(uniqueKeysWithValues: (references[path] ?? []).map { ($0, tree($0)) }))
  }

  private func popularity(_ tree: Tree) -> [Path: Int] {
    guard case .children(let children) = tree else { return [:] }
    var counts: [Path: Int] = [:]
    for (path, below) in children {
      counts[path, default: 0] += 1
      for (deeper, count) in popularity(below) { counts[deeper, default: 0] += count + 1 }
    }
    return counts
  }

  /// The counts under one node above all roots.
  var counts: [Path: Int] {
    let roots = paths.filter { path in !references.values.contains { $0.contains(path) } }
    return popularity(.children(Dictionary(uniqueKeysWithValues: roots.map { ($0, tree($0)) })))
  }

  private static func tieKey(_ path: Path) -> String {
    let parts = path.split(separator: "-")
    return (parts.dropFirst() + [parts[0]]).joined(separator: "-")
  }

  func popularityLayers(available: Int) -> [[Path]] {
    let counts = counts
    let order = paths.sorted {
      let (left, right) = (counts[$0] ?? 0, counts[$1] ?? 0)
      return left == right ? Self.tieKey($0) < Self.tieKey($1) : left > right
    }
    let alone = order.prefix(available - 1).map { [$0] }
    return (alone + [Array(order.dropFirst(available - 1))]).filter { !$0.isEmpty }
  }

  // MARK: Auto

  private func reached(from path: Path) -> Set<Path> {
    var all: Set<Path> = []
    for reference in references[path] ?? [] { all.formUnion(reached(from: reference).union([reference])) }
    return all
  }

  func autoLayers(available: Int) -> [[Path]] {
    let below = Dictionary(uniqueKeysWithValues: paths.map { ($0, reached(from: $0)) })
    var identity = Dictionary(uniqueKeysWithValues: paths.map { ($0, Set<Path>()) })
    // Stable, ascending; then from the end.
    var waiting = paths.enumerated().sorted {
      let (left, right) = (sizes[$0.element] ?? 0, sizes[$1.element] ?? 0)
      return left == right ? $0.offset < $1.offset : left < right
    }.map(\.element)
    while let candidate = waiting.popLast() {
      let before = identity
      let down = below[candidate] ?? []
      let up = Set(paths.filter { below[$0]?.contains(candidate) == true })
      identity[candidate] = [candidate]
      for path in down {
        var own = (identity[path] ?? []).subtracting(up)
        if own.isDisjoint(with: down) { own.insert(candidate) }
        identity[path] = own
      }
      if Set(identity.values).count > available {
        identity = before
        break
      }
    }
    let layers = Dictionary(grouping: paths) { identity[$0] ?? [] }.values.map { $0.sorted(by: Self.byName) }
    return layers.sorted { left, right in
      let (leftSize, rightSize) = (closureSize(left, below), closureSize(right, below))
      return leftSize == rightSize ? Self.byName(left[0], right[0]) : leftSize < rightSize
    }
  }

  private func closureSize(_ layer: [Path], _ below: [Path: Set<Path>]) -> Int64 {
    layer.reduce(Set(layer)) { $0.union(below[$1] ?? []) }.reduce(0) { $0 + (sizes[$1] ?? 0) }
  }

  private static func byName(_ left: Path, _ right: Path) -> Bool {
    func key(_ path: Path) -> (String, String) {
      let parts = path.split(separator: "-", maxSplits: 1).map(String.init)
      return (parts[1], parts[0])
    }
    return key(left) < key(right)
  }
}
