import Hashing

/// Store paths and what they refer to, with everything that is referred to among them.
///
/// Checked: one store, every path once, every reference listed, no circles. A path may refer to itself.
public struct Closure: Sendable, Equatable {
  /// The paths, sorted by their bytes, with sorted references, whatever order they came in.
  public let nodes: [ClosureNode]
  /// For each node the places of its references in `nodes`, without itself, ascending.
  let references: [[Int]]
  /// The places of all nodes, references before what refers to them.
  let order: [Int]
  private let places: [StorePath: Int]

  /// A closure of nodes in any order.
  public init(_ nodes: some Sequence<ClosureNode>) throws(ClosureError) {
    let numbered = nodes.enumerated().map { (place: "node \($0 + 1)", node: $1) }
    try self.init(placed: numbered)
  }

  /// The same; `place` is for messages.
  init(placed nodes: [(place: String, node: ClosureNode)]) throws(ClosureError) {
    let sorted = nodes.sorted { $0.node.path < $1.node.path }
    for (previous, next) in zip(sorted, sorted.dropFirst()) where previous.node.path == next.node.path {
      // The sort is stable: the second one in the text.
      throw .repeated(place: next.place, path: next.node.path)
    }
    let places = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1.node.path, $0) })
    var references: [[Int]] = []
    references.reserveCapacity(sorted.count)
    for (place, node) in sorted { references.append(try Self.resolve(node, at: place, in: places)) }
    self.nodes = sorted.map(\.node)
    self.places = places
    self.references = references
    do throws(Circle) {
      order = try Self.topologicalOrder(of: references)
    } catch {
      throw .cycle(error.members.map { sorted[$0].node.path })
    }
  }

  private static func resolve(
    _ node: ClosureNode, at place: String, in places: [StorePath: Int]
  ) throws(ClosureError) -> [Int] {
    var seen: Set<Int> = []
    for reference in node.references {
      guard reference.storeDirectory == node.path.storeDirectory else {
        throw .path(place: place, .outside(reference.description, node.path.storeDirectory))
      }
      guard let target = places[reference] else {
        throw .open(place: place, path: node.path, reference: reference)
      }
      guard seen.insert(target).inserted else {
        throw .repeatedReference(place: place, path: node.path, reference: reference)
      }
    }
    if let own = places[node.path] { seen.remove(own) }
    return seen.sorted()
  }

  /// The directory of the store; the usual one for a closure of nothing.
  public var storeDirectory: String { nodes.first?.path.storeDirectory ?? StorePath.defaultStoreDirectory }

  /// What is known of a path, or nil when it is not in the closure.
  public subscript(_ path: StorePath) -> ClosureNode? { places[path].map { nodes[$0] } }

  /// The place of a path in `nodes`.
  func place(of path: StorePath) -> Int? { places[path] }

  /// The paths nobody else refers to, sorted.
  public var roots: [StorePath] {
    let referred = Set(references.joined())
    return nodes.indices.filter { !referred.contains($0) }.map { nodes[$0].path }
  }

  /// All paths, each after everything it refers to, as `nix-store -qR` prints them.
  public var topologicalOrder: [StorePath] { order.map { nodes[$0].path } }

  /// The paths that some of `roots` lead to, themselves included, sorted.
  public func paths(reachableFrom roots: some Sequence<StorePath>) throws(ClosureError) -> [StorePath] {
    try nodes(reachableFrom: roots).map(\.path)
  }

  /// The part of the closure that some of `roots` lead to.
  public func closure(of roots: some Sequence<StorePath>) throws(ClosureError) -> Closure {
    try Closure(nodes(reachableFrom: roots))
  }

  private func nodes(reachableFrom roots: some Sequence<StorePath>) throws(ClosureError) -> [ClosureNode] {
    var reached = PlaceSet(count: nodes.count)
    var pending: [Int] = []
    for root in roots {
      guard let place = places[root] else { throw .missing(root) }
      if reached.insert(place) { pending.append(place) }
    }
    while let place = pending.popLast() {
      for target in references[place] where reached.insert(target) { pending.append(target) }
    }
    return nodes.indices.filter { reached.contains($0) }.map { nodes[$0] }
  }
}

extension Closure {
  /// What `nix-store --load-db` reads and `--dump-db` prints: every path after everything it refers to.
  ///
  /// Throws `unmeasured` when a hash or a size is not known.
  public func registration() throws(ClosureError) -> [UInt8] {
    var lines: [String] = []
    for place in order {
      let node = nodes[place]
      guard let hash = node.narHash, let size = node.narSize else { throw .unmeasured(node.path) }
      let references = node.references.sorted().map(\.description)
      lines += ["\(node.path)", hash.hex, "\(size)", node.deriver?.description ?? "", "\(references.count)"]
      lines += references
    }
    return Array(lines.map { $0 + "\n" }.joined().utf8)
  }
}
