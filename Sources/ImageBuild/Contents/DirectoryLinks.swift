public import ImageArchive

/// Where a base image has a link to a directory: `/bin` → `usr/bin`.
///
/// A layer with a directory of the link's name would replace it, and everything behind it would be gone. What goes into that directory has to go
/// where the link leads, unless that is in the store, which nothing may be added to: such a link becomes a directory of links.
public struct DirectoryLinks: Sendable {
  private static let slash = UInt8(ascii: "/")
  /// As many as Linux follows.
  private static let linkLimit = 40

  /// The path of each link without slash in front, and the path of its directory without any link in it.
  private var places: [[UInt8]: [UInt8]] = [:]
  /// The permission bits of those directories and the ones above them.
  private var modes: [[UInt8]: UInt32] = [:]
  /// The links that lead into the store, as `places` has the others.
  private var stored: [[UInt8]: [UInt8]] = [:]
  /// What the directories of the store have in them, and whether that is a directory.
  private var storeEntries: [[UInt8]: [[UInt8]: Bool]] = [:]

  /// None.
  public init() {}

  /// The links of an image, but those at `removed` or below; without a store, all of them are followed.
  public init(
    _ image: FileSystemView, without removed: [[UInt8]] = [], storeDirectory: String? = nil
  ) throws {
    var links: [[UInt8]: [UInt8]] = [:]
    image.forEach { path, entry in
      if entry.kind == .symbolicLink { links[path.bytes] = entry.linkTarget }
    }
    if !removed.isEmpty {
      links = links.filter { link in !Self.ways(to: link.key).contains(where: removed.contains) }
    }
    try add(links) { path in
      let entry = try image.entry(at: FileSystemPath(path))
      return entry?.kind == .directory ? entry?.mode : nil
    }
    if let storeDirectory { leave(image, below: Array(storeDirectory.utf8.dropFirst()) + [Self.slash]) }
  }

  /// Takes the links that lead into the store apart.
  private mutating func leave(_ image: FileSystemView, below store: [UInt8]) {
    stored = places.filter { $0.value.starts(with: store) }
    if stored.isEmpty { return }
    places = places.filter { !$0.value.starts(with: store) }
    image.forEach { path, entry in
      guard path.bytes.starts(with: store) else { return }
      let (parent, name) = FileSystemPath.split(path.bytes)
      storeEntries[Array(parent), default: [:]][Array(name)] = entry.kind == .directory
    }
  }

  /// The links of a tree.
  init(_ tree: FileTree) throws {
    try add(tree.links) { path in
      if case .directory(let directory)? = tree[path] { directory.mode } else { nil }
    }
  }

  /// Takes the links that lead to directories; `mode` gives the mode of what is a directory.
  private mutating func add(_ links: [[UInt8]: [UInt8]], mode: ([UInt8]) throws -> UInt32?) throws {
    for link in links.keys {
      guard let place = Self.follow(link, links), !place.isEmpty, try mode(place) != nil else { continue }
      places[link] = place
      for directory in Self.ways(to: place) { modes[directory] = try mode(directory) }
    }
  }

  /// Whether there is none.
  public var isEmpty: Bool { places.isEmpty && stored.isEmpty }

  /// Gives the directories of a tree that have the name of a link into the store links to what is there.
  func open(_ tree: inout FileTree) {
    for (link, place) in stored {
      guard case .directory? = tree[link] else { continue }
      tree.update(directory: link) { addLinks(to: place, in: &$0) }
    }
  }

  private func addLinks(to place: [UInt8], in directory: inout FileTree.Directory) {
    for (name, isDirectory) in storeEntries[place] ?? [:] {
      let path = FileSystemPath.joined(place, name)
      let behind = stored[path] ?? (isDirectory ? path : nil)
      switch directory.entries[name] {
      case nil: directory.entries[name] = .link(target: [Self.slash] + path, source: nil)
      case .directory(var child)?:
        guard let behind else { continue }
        addLinks(to: behind, in: &child)
        directory.entries[name] = .directory(child)
      case .link?, .file?, .copy?: continue
      }
    }
  }

  /// The permission bits that a directory behind a link, or above such a one, has in the base.
  func mode(of directory: [UInt8]) -> UInt32? { modes[directory] }

  /// Where a directory of that path really is.
  func place(of directory: [UInt8]) -> [UInt8] {
    var place: [UInt8] = []
    for name in directory.split(separator: Self.slash) {
      place = FileSystemPath.joined(place, name)
      if let real = places[place] { place = real }
    }
    return place
  }

  /// What a link in `directory` has to say when it goes where that directory really is.
  func moved(_ target: [UInt8], from directory: [UInt8]) -> [UInt8] {
    let names = target.split(separator: Self.slash)
    guard target.first != Self.slash, names.contains(where: { $0.elementsEqual("..".utf8) }),
      place(of: directory) != directory
    else { return target }
    var way = directory.split(separator: Self.slash)
    for name in names where !name.elementsEqual(".".utf8) {
      if name.elementsEqual("..".utf8) { _ = way.popLast() } else { way.append(name) }
    }
    return way.isEmpty ? [Self.slash] : way.flatMap { [Self.slash] + $0 }
  }

  /// A path and those of the directories above it.
  private static func ways(to path: [UInt8]) -> [[UInt8]] {
    var ways: [[UInt8]] = []
    for name in path.split(separator: slash) { ways.append(FileSystemPath.joined(ways.last ?? [], name)) }
    return ways
  }

  /// The path behind a link, through any others on the way; nil when they go round in circles.
  private static func follow(_ path: [UInt8], _ links: [[UInt8]: [UInt8]]) -> [UInt8]? {
    var rest = path.split(separator: slash).reversed().map(Array.init)
    var way: [[UInt8]] = []
    var count = 0
    while let name = rest.popLast() {
      if name.elementsEqual(".".utf8) { continue }
      if name.elementsEqual("..".utf8) {
        _ = way.popLast()
        continue
      }
      way.append(name)
      guard let target = links[Array(way.joined(separator: [slash]))] else { continue }
      count += 1
      guard count <= linkLimit else { return nil }
      _ = way.popLast()
      if target.first == slash { way = [] }
      rest += target.split(separator: slash).reversed().map(Array.init)
    }
    return Array(way.joined(separator: [slash]))
  }
}

extension FileTree {
  /// The tree with everything where the base's links lead, and what was not taken because something else is there.
  ///
  /// - Throws: `ContentsError` for a directory where a file should go, or the other way round.
  public func placed(behind links: DirectoryLinks) throws -> (tree: FileTree, conflicts: [ContentsConflict]) {
    if links.isEmpty { return (self, []) }
    var opened = self
    links.open(&opened)
    var placement = Placement(links: links)
    placement.tree.root.mode = root.mode
    // What has no link in its path is there first, so that it wins.
    for isMoved in [false, true] { try placement.add(opened.root, at: [], moved: isMoved) }
    return (placement.tree, placement.conflicts)
  }

  private struct Placement {
    let links: DirectoryLinks
    var tree = FileTree()
    var conflicts: [ContentsConflict] = []

    mutating func add(_ directory: Directory, at path: [UInt8], moved wanted: Bool) throws {
      let place = links.place(of: path)
      for (name, node) in directory.entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
        let here = FileSystemPath.joined(path, name)
        switch node {
        case .directory(let child):
          let real = links.place(of: here)
          let isLink = real != FileSystemPath.joined(place, name)
          if (real != here) == wanted { try makeDirectory(real, mode: isLink ? nil : child.mode) }
          try add(child, at: here, moved: wanted)
        case .link(let target, let source) where (place != path) == wanted:
          try put(
            .link(target: links.moved(target, from: path), source: source), at: here,
            place: FileSystemPath.joined(place, name))
        case .file where (place != path) == wanted, .copy where (place != path) == wanted:
          try put(node, at: here, place: FileSystemPath.joined(place, name))
        default: break
        }
      }
    }

    private mutating func put(_ node: Node, at path: [UInt8], place: [UInt8]) throws {
      let text = String(decoding: path, as: UTF8.self)
      let slash = UInt8(ascii: "/")
      if let parent = place.lastIndex(of: slash) { try makeDirectory(Array(place[..<parent]), mode: nil) }
      switch (tree[place], node) {
      case (nil, _): tree.put(node, at: place)
      case (.directory?, _):
        let placeText = String(decoding: place, as: UTF8.self)
        throw ContentsError.kinds(
          path: placeText, directory: "the contents", other: "“\(text)” of the contents")
      case (.link(let first, _)?, .link(let second, _)) where first == second: break
      case (.file(let first, _)?, .file(let second, _)) where first == second: break
      default:
        conflicts.append(
          ContentsConflict(
            path: String(decoding: place, as: UTF8.self), winner: "the contents",
            loser: "“\(text)” of the contents, which the base image has behind a link"))
      }
    }

    /// Makes a directory and those above it; what is made only to lead somewhere has the base's mode.
    private mutating func makeDirectory(_ path: [UInt8], mode: UInt32?) throws {
      var way: [UInt8] = []
      for name in path.split(separator: UInt8(ascii: "/")) {
        way = FileSystemPath.joined(way, name)
        switch tree[way] {
        case nil:
          var directory = Directory()
          directory.mode = (way == path ? mode : nil) ?? links.mode(of: way) ?? 0o755
          tree.put(.directory(directory), at: way)
        case .directory?: continue
        default:
          let text = String(decoding: way, as: UTF8.self)
          throw ContentsError.kinds(path: text, directory: "the base image", other: "the contents")
        }
      }
    }
  }
}
