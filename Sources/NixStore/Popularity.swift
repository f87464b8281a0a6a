/// The order of the popularity contest (nix-dockertools.md, sections 3.3 and 15.5).
///
/// The rule expands all roots, below one node above them, into a tree in which a path stands once for each way
/// that leads to it. The count of a path is the number of tree nodes that are on a way to it, its own included:
/// each step of the rule adds one per node passed. A node's copies in the tree are as many as there are
/// ways from the roots to it, so the count is the sum of these over the path and everything above it. That needs
/// no tree, whose size is exponential.
enum Popularity {
  /// All paths, the most popular first; equal ones by `tieKey`.
  ///
  /// Roots count 1 and come last.
  static func order(of closure: Closure) -> [StorePath] {
    let counts = counts(of: closure)
    let ranked = closure.nodes.indices.map {
      (count: counts[$0], key: tieKey(closure.nodes[$0].path), place: $0)
    }
    .sorted { left, right in
      if left.count != right.count { return left.count > right.count }
      return left.key.lexicographicallyPrecedes(right.key)
    }
    return ranked.map { closure.nodes[$0.place].path }
  }

  /// The count of each path, at its place among the closure's nodes.
  static func counts(of closure: Closure) -> [PathCount] {
    let count = closure.nodes.count
    var above = [PlaceSet](repeating: PlaceSet(count: count), count: count)
    var ways = [PathCount](repeating: PathCount(0), count: count)
    // Everything that refers to a path comes before it.
    for place in closure.order.reversed() {
      if above[place].isEmpty { ways[place] = PathCount(1) }
      above[place].insert(place)
      for reference in closure.references[place] {
        ways[reference] += ways[place]
        above[reference].formUnion(above[place])
      }
    }
    return above.map { set in
      var sum = PathCount(0)
      set.forEach { sum += ways[$0] }
      return sum
    }
  }

  /// What follows the first hyphen of the whole path, a hyphen, and what precedes it, as nixpkgs has it.
  ///
  /// One text, not a pair: `a+` comes before `a`, because `+` comes before the hyphen.
  private static func tieKey(_ path: StorePath) -> [UInt8] {
    let parts = path.description.utf8.split(
      separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
    return Array(parts.dropFirst().joined()) + [UInt8(ascii: "-")] + Array(parts[0])
  }
}
