/// The rule of the newest nixpkgs (nix-dockertools.md, section 3.2).
///
/// Candidates are taken by size, the largest first. A path's identity is the set of candidates that it belongs to,
/// and paths of one identity share a layer. Of candidates of equal size the one whose path sorts last comes first:
/// Nix writes its graphs sorted by path, and nixpkgs takes the later one.
struct AutoLayering {
  private let closure: Closure
  private let sizes: [Int64]
  /// What each path leads to, without itself.
  private var below: [PlaceSet] = []
  /// What leads to each path, without itself.
  private var above: [PlaceSet] = []
  /// The identities there are or were; the first is empty.
  private var identities: [PlaceSet]
  private var numbers: [PlaceSet: Int]
  /// For each path the number of its identity.
  private var identity: [Int]

  /// At most `available` layers.
  ///
  /// The one with the smallest closure comes first, of equal ones the one whose first path comes first by name.
  /// Inside a layer paths are ordered by name.
  static func layers(of closure: Closure, available: Int) throws(LayerPlanError) -> [[StorePath]] {
    var layering = try AutoLayering(closure)
    for candidate in layering.candidates {
      guard layering.separate(candidate, limit: available) else { break }
    }
    return layering.layers()
  }

  private init(_ closure: Closure) throws(LayerPlanError) {
    self.closure = closure
    var sizes: [Int64] = []
    for node in closure.nodes {
      guard let size = node.narSize else { throw .unmeasured(node.path) }
      sizes.append(size)
    }
    self.sizes = sizes
    let empty = PlaceSet(count: sizes.count)
    identities = [empty]
    numbers = [empty: 0]
    identity = [Int](repeating: 0, count: sizes.count)
    connect()
  }

  private mutating func connect() {
    let empty = identities[0]
    below = [PlaceSet](repeating: empty, count: sizes.count)
    above = below
    for place in closure.order {
      for reference in closure.references[place] {
        below[place].formUnion(below[reference])
        below[place].insert(reference)
      }
    }
    for place in closure.order.reversed() {
      for reference in closure.references[place] {
        above[reference].formUnion(above[place])
        above[reference].insert(place)
      }
    }
  }

  private var candidates: [Int] {
    sizes.indices.sorted { (sizes[$0], $0) > (sizes[$1], $1) }
  }

  /// False, and nothing is changed, when there would be more layers than `limit`.
  private mutating func separate(_ candidate: Int, limit: Int) -> Bool {
    var changed = identity
    // The new identity depends on the old one alone, and few paths have one of their own.
    var replacements: [Int: Int] = [:]
    below[candidate].forEach { place in
      let old = identity[place]
      let new = replacements[old] ?? number(of: replacing(identities[old], candidate))
      replacements[old] = new
      changed[place] = new
    }
    var own = PlaceSet(count: sizes.count)
    own.insert(candidate)
    changed[candidate] = number(of: own)
    guard Set(changed).count <= limit else { return false }
    identity = changed
    return true
  }

  private func replacing(_ identity: PlaceSet, _ candidate: Int) -> PlaceSet {
    var remaining = identity
    remaining.subtract(above[candidate])
    if remaining.isDisjoint(with: below[candidate]) { remaining.insert(candidate) }
    return remaining
  }

  private mutating func number(of set: PlaceSet) -> Int {
    if let number = numbers[set] { return number }
    numbers[set] = identities.count
    identities.append(set)
    return identities.count - 1
  }

  private func layers() -> [[StorePath]] {
    let groups = Dictionary(grouping: sizes.indices, by: { identity[$0] }).values
    let layers = groups.map { places in
      (
        byteCount: closureByteCount(of: places),
        paths: places.map { closure.nodes[$0].path }.sorted(by: StorePath.isOrderedByName)
      )
    }
    return layers.sorted { left, right in
      if left.byteCount != right.byteCount { return left.byteCount < right.byteCount }
      return StorePath.isOrderedByName(left.paths[0], right.paths[0])
    }.map(\.paths)
  }

  /// The size of everything that the paths lead to, themselves included.
  private func closureByteCount(of places: [Int]) -> Int64 {
    var reached = PlaceSet(count: sizes.count)
    for place in places {
      reached.insert(place)
      reached.formUnion(below[place])
    }
    var sum: Int64 = 0
    reached.forEach { place in
      let (next, overflow) = sum.addingReportingOverflow(sizes[place])
      sum = overflow ? .max : next
    }
    return sum
  }
}
