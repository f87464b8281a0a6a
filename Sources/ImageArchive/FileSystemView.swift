/// The file system that the layers of an image make together: names and what they are, no contents.
///
/// The rules are those of image-spec, "Layers", and where it is silent Docker's: a whiteout removes what lower layers have and never
/// what its own layer puts; a directory over a directory keeps what is in it; anything else replaces what was there with all below it;
/// symbolic links among the directories of a name are followed inside the image, and the last part of a name never.
public struct FileSystemView: Sendable {
  /// A place in `nodes`.
  typealias Index = Int

  struct Node: Sendable {
    var entry: FileSystemEntry
    /// The last layer that put something here.
    var layer: Int
    var children: [[UInt8]: Index] = [:]
  }

  static let root: Index = 0
  /// As many as Linux follows.
  private static let linkLimit = 40
  /// As many directories as the longest path has; links could lead deeper.
  private static let depthLimit = 2048

  private(set) var nodes = [Node(entry: .implicitDirectory, layer: -1)]
  /// Places of nodes that were removed.
  private var free: [Index] = []
  /// The number of the layer that is being put on top.
  private var current = 0

  /// An empty root directory.
  public init() {}

  /// The number of names, the root included.
  public var count: Int { nodes.count - free.count }

  // MARK: Layers

  /// Puts a layer on top; `number` is its number, for `FileSystemEntry.origin`, and greater than those of the layers before.
  ///
  /// - Throws: `FileSystemError`.
  public mutating func apply(_ layer: LayerChanges, number: Int) throws(FileSystemError) {
    current = number
    for change in layer.changes {
      switch change {
      case .put(let path, var entry):
        entry.origin?.layer = number
        try put(entry, at: path)
      case .link(let path, let target, _): try link(path, to: target)
      case .remove(let path):
        let (parent, name) = FileSystemPath.split(path)
        if let directory = try find(Array(parent)) { removeLower(Array(name), in: directory) }
      case .empty(let path):
        guard let directory = try find(path) else { continue }
        for name in Array(nodes[directory].children.keys) { removeLower(name, in: directory) }
      }
    }
  }

  /// Removes what lower layers have under that name; what this layer has put there stays, with the directories above it.
  private mutating func removeLower(_ name: [UInt8], in directory: Index) {
    guard let child = nodes[directory].children[name] else { return }
    for inner in Array(nodes[child].children.keys) { removeLower(inner, in: child) }
    if nodes[child].layer == current { return }
    if nodes[child].children.isEmpty {
      nodes[directory].children[name] = nil
      discard(child)
    } else {
      nodes[child] = Node(entry: .implicitDirectory, layer: current, children: nodes[child].children)
    }
  }

  private mutating func put(_ entry: FileSystemEntry, at path: [UInt8]) throws(FileSystemError) {
    guard !path.isEmpty else {
      guard entry.kind == .directory else { throw .rootReplaced }
      nodes[Self.root].entry = entry
      return
    }
    let (parent, name) = FileSystemPath.split(path)
    let directory = try makeDirectory(Array(parent))
    guard let old = nodes[directory].children[Array(name)] else {
      nodes[directory].children[Array(name)] = insert(entry)
      return
    }
    if entry.kind != .directory || nodes[old].entry.kind != .directory { discardChildren(of: old) }
    nodes[old].entry = entry
    nodes[old].layer = current
  }

  private mutating func link(_ path: [UInt8], to target: [UInt8]) throws(FileSystemError) {
    guard path != target else { return }
    let (parent, name) = FileSystemPath.split(target)
    guard let directory = try find(Array(parent)), let file = nodes[directory].children[Array(name)],
      nodes[file].entry.kind != .directory
    else { throw .brokenLink(FileSystemPath(path), target: FileSystemPath(target)) }
    try put(nodes[file].entry, at: path)
  }

  // MARK: Directories

  /// Makes a directory, 0755 and of 0:0, with those above it, and gives those that had to be made, the outer ones first.
  ///
  /// Whatever else is on the way ends it: a symbolic link is not followed, and nothing is replaced.
  public mutating func makeDirectories(at path: FileSystemPath) -> [FileSystemPath] {
    var made: [FileSystemPath] = []
    var directory = Self.root
    var way: [UInt8] = []
    for part in path.bytes.split(separator: FileSystemPath.slash) {
      way = FileSystemPath.joined(way, part)
      if let child = nodes[directory].children[Array(part)] {
        guard nodes[child].entry.kind == .directory else { break }
        directory = child
      } else {
        let child = insert(.implicitDirectory)
        nodes[directory].children[Array(part)] = child
        made.append(FileSystemPath(way))
        directory = child
      }
    }
    return made
  }

  /// Removes a directory that has nothing in it; everything else stays, as does what is behind a symbolic link.
  public mutating func removeEmptyDirectory(at path: FileSystemPath) {
    let (parent, name) = FileSystemPath.split(path.bytes)
    var directory = Self.root
    for part in parent.split(separator: FileSystemPath.slash) {
      guard let child = nodes[directory].children[Array(part)] else { return }
      directory = child
    }
    guard let child = nodes[directory].children[Array(name)], nodes[child].entry.kind == .directory,
      nodes[child].children.isEmpty
    else { return }
    nodes[directory].children[Array(name)] = nil
    discard(child)
  }

  // MARK: Looking up

  /// What is at `path`; a symbolic link is not followed when it is the last part.
  public func entry(at path: FileSystemPath) throws(FileSystemError) -> FileSystemEntry? {
    if path.bytes.isEmpty { return nodes[Self.root].entry }
    let (parent, name) = FileSystemPath.split(path.bytes)
    guard let directory = try find(Array(parent)) else { return nil }
    return nodes[directory].children[Array(name)].map { nodes[$0].entry }
  }

  /// Everything but the root, a directory before what is in it, sorted by the bytes of names.
  public func forEach(_ body: (FileSystemPath, FileSystemEntry) throws -> Void) rethrows {
    var stack: [(path: [UInt8], index: Index)] = [([], Self.root)]
    while let (path, index) = stack.popLast() {
      if index != Self.root { try body(FileSystemPath(path), nodes[index].entry) }
      let children = nodes[index].children.sorted { $1.key.lexicographicallyPrecedes($0.key) }
      for (name, child) in children { stack.append((FileSystemPath.joined(path, name), child)) }
    }
  }

  /// The directory at `path`, through symbolic links; nil when there is none.
  private func find(_ path: [UInt8]) throws(FileSystemError) -> Index? {
    var walk = Walk(path)
    while let part = try walk.next() {
      guard let child = nodes[walk.directory].children[part] else { return nil }
      switch nodes[child].entry.kind {
      case .directory: try walk.enter(child)
      case .symbolicLink: try walk.follow(nodes[child].entry.linkTarget)
      default: return nil
      }
    }
    return walk.directory
  }

  /// The directory at `path`, made where it is missing; files in the way are replaced.
  private mutating func makeDirectory(_ path: [UInt8]) throws(FileSystemError) -> Index {
    var walk = Walk(path)
    while let part = try walk.next() {
      guard let child = nodes[walk.directory].children[part] else {
        let made = insert(.implicitDirectory)
        nodes[walk.directory].children[part] = made
        try walk.enter(made)
        continue
      }
      switch nodes[child].entry.kind {
      case .directory: try walk.enter(child)
      case .symbolicLink: try walk.follow(nodes[child].entry.linkTarget)
      default:
        nodes[child] = Node(entry: .implicitDirectory, layer: current)
        try walk.enter(child)
      }
    }
    return walk.directory
  }

  // MARK: Nodes

  private mutating func insert(_ entry: FileSystemEntry) -> Index {
    if let index = free.popLast() {
      nodes[index] = Node(entry: entry, layer: current)
      return index
    }
    nodes.append(Node(entry: entry, layer: current))
    return nodes.count - 1
  }

  private mutating func discardChildren(of index: Index) {
    let children = nodes[index].children.values
    nodes[index].children = [:]
    for child in children { discard(child) }
  }

  private mutating func discard(_ index: Index) {
    var rest = [index]
    while let index = rest.popLast() {
      rest += nodes[index].children.values
      nodes[index] = Node(entry: .implicitDirectory, layer: -1)
      free.append(index)
    }
  }

  /// A way through directories, on which symbolic links may be met; it cannot leave the root.
  private struct Walk {
    private let path: [UInt8]
    private var rest: [[UInt8]]
    private var above: [Index] = []
    private(set) var directory = FileSystemView.root
    private var links = 0

    init(_ path: [UInt8]) {
      self.path = path
      rest = Self.parts(path)
    }

    private static func parts(_ path: [UInt8]) -> [[UInt8]] {
      path.split(separator: FileSystemPath.slash).reversed().map(Array.init)
    }

    /// The next name to look for in `directory`; nil at the end.
    mutating func next() throws(FileSystemError) -> [UInt8]? {
      while let part = rest.popLast() {
        if part.elementsEqual(".".utf8) { continue }
        guard part.elementsEqual("..".utf8) else { return part }
        directory = above.popLast() ?? FileSystemView.root
      }
      return nil
    }

    mutating func enter(_ child: Index) throws(FileSystemError) {
      guard above.count < FileSystemView.depthLimit else { throw .nameTooLong(FileSystemPath(path)) }
      above.append(directory)
      directory = child
    }

    mutating func follow(_ target: [UInt8]) throws(FileSystemError) {
      links += 1
      guard links <= FileSystemView.linkLimit, target.count <= LayerChanges.longestName else {
        throw .tooManyLinks(FileSystemPath(path))
      }
      if target.first == FileSystemPath.slash {
        directory = FileSystemView.root
        above = []
      }
      rest += Self.parts(target)
    }
  }
}
