import ArchiveIO
import SystemPackage

/// Joins store paths in one tree of real directories and links into the store, as nixpkgs' `symlinkJoin` does with `lndir`
/// (nix-dockertools.md, section 2.6).
///
/// Unlike there, nothing is dropped silently: what differs is told, and a link to a directory where another item has a directory is opened.
public struct SymlinkFarm: Sendable {
  private static let skippedDirectories = Set(
    ["BitKeeper", "RCS", "SCCS", "CVS", "CVS.adm", ".svn"].map { Array($0.utf8) })
  /// Directories inside each other; a link that is opened can hold itself only as often as another item has directories there.
  private static let depthLimit = 500
  private static let slash = UInt8(ascii: "/")

  /// The tree so far.
  public private(set) var tree = FileTree()
  /// What was not taken, since an earlier item has something else there.
  public private(set) var conflicts: [ContentsConflict] = []
  /// Which item had a directory or a made-up file first, for messages.
  private var origins: [[UInt8]: String] = [:]
  private let store: StoreLookup

  /// An empty farm; `root` is put before store paths to find them on this machine.
  public init(storeDirectory: String, root: String = "") {
    store = StoreLookup(storeDirectory: storeDirectory, root: root)
  }

  /// A directory of the store.
  private struct Source {
    /// The directory itself.
    var directory: OpenDirectory
    /// The path that links to what is in it begin with.
    var path: [UInt8]
    /// What is named in messages.
    var item: String
    /// The directories behind the links that were opened on the way here.
    var opened: [[UInt8]] = []
  }

  /// Where in the tree something goes.
  private struct Spot {
    var path: [UInt8] = []
    var depth = 0
    var name: [UInt8] { Array(path.split(separator: SymlinkFarm.slash).last ?? []) }
    var text: String { String(decoding: path, as: UTF8.self) }

    func appending(_ name: [UInt8]) -> Spot {
      Spot(path: path.isEmpty ? name : path + [SymlinkFarm.slash] + name, depth: depth + 1)
    }
  }

  /// Adds what is in a directory of the store.
  ///
  /// - Throws: `ContentsError`, `FileError`.
  public mutating func add(_ path: String) throws {
    guard let found = try store.find(Array(path.utf8)) else {
      throw FileError("open", store.root + path, .noSuchFileOrDirectory)
    }
    guard case .directory(let directory) = found.found else { throw ContentsError.notADirectory(path) }
    var top = tree.root
    try merge(Source(directory: directory, path: Array(path.utf8), item: path), into: &top, at: Spot())
    tree.root = top
  }

  /// Adds files that are made up, such as an environment helper's.
  public mutating func add(_ entries: HelperTree, named item: String) throws {
    for entry in entries.entries {
      let spot = Spot(path: Array(entry.path.utf8))
      if let known = tree[spot.path] {
        try compare(known, entry.content.node, at: spot, loser: item)
      } else {
        tree.put(entry.content.node, at: entry.path)
        origins[spot.path] = item
      }
    }
  }

  // MARK: Merging

  private mutating func merge(
    _ source: Source, into directory: inout FileTree.Directory, at spot: Spot
  ) throws {
    guard spot.depth < Self.depthLimit else { throw ContentsError.tooDeep(source.item) }
    if origins[spot.path] == nil { origins[spot.path] = source.item }
    for name in try source.directory.names().sorted(by: { $0.lexicographicallyPrecedes($1) })
    where name.last != UInt8(ascii: "~") {
      let status = try source.directory.status(of: name)
      let path = source.path + [Self.slash] + name
      if status.type == .directory {
        if Self.skippedDirectories.contains(name) { continue }
        let inner = Source(
          directory: try source.directory.directory(name), path: path, item: source.item,
          opened: source.opened)
        try mergeDirectory(inner, into: &directory, at: spot.appending(name))
      } else {
        let target =
          status.type == .symbolicLink
          ? try source.directory.target(of: name, byteCount: status.byteCount) : path
        try mergeLeaf(
          .link(target: target, source: path), path, of: source, into: &directory, at: spot.appending(name))
      }
    }
  }

  private mutating func mergeDirectory(
    _ source: Source, into directory: inout FileTree.Directory, at spot: Spot
  ) throws {
    var child = FileTree.Directory()
    switch directory.entries[spot.name] {
    case nil: break
    case .directory(let known): child = known
    case .link(_, let link?):
      // The other item's link becomes a directory of links to what is behind it.
      guard let behind = try self.directory(behind: link, of: source, at: spot) else {
        throw ContentsError.link(
          path: spot.text, link: String(decoding: link, as: UTF8.self), directory: source.item)
      }
      try merge(behind, into: &child, at: spot)
    case .link, .file, .copy:
      throw ContentsError.kinds(path: spot.text, directory: source.item, other: origin(of: spot))
    }
    try merge(source, into: &child, at: spot)
    directory.entries[spot.name] = .directory(child)
  }

  /// Adds a link that stands for what is at `path` in the store.
  private mutating func mergeLeaf(
    _ node: FileTree.Node, _ path: [UInt8], of source: Source, into directory: inout FileTree.Directory,
    at spot: Spot
  ) throws {
    guard let known = directory.entries[spot.name] else {
      directory.entries[spot.name] = node
      return
    }
    let item = String(decoding: path, as: UTF8.self)
    guard case .directory(var child) = known else { return try compare(known, node, at: spot, loser: item) }
    guard let behind = try self.directory(behind: path, of: source, at: spot) else {
      throw ContentsError.kinds(path: spot.text, directory: origin(of: spot), other: item)
    }
    try merge(behind, into: &child, at: spot)
    directory.entries[spot.name] = .directory(child)
  }

  /// The directory of the store that a link leads to.
  ///
  /// - Throws: `ContentsError.circle` when it is being opened already, which would never end.
  private func directory(behind link: [UInt8], of source: Source, at spot: Spot) throws -> Source? {
    guard let (found, path) = try store.find(link), case .directory(let directory) = found else { return nil }
    guard !source.opened.contains(path) else {
      throw ContentsError.circle(path: spot.text, link: String(decoding: link, as: UTF8.self))
    }
    return Source(
      directory: directory, path: path, item: String(decoding: path, as: UTF8.self),
      opened: source.opened + [path])
  }

  private mutating func compare(
    _ known: FileTree.Node, _ node: FileTree.Node, at spot: Spot, loser: String
  ) throws {
    var winner = origin(of: spot)
    switch (known, node) {
    case (.directory, .directory): return
    case (.directory, _): throw ContentsError.kinds(path: spot.text, directory: winner, other: loser)
    case (_, .directory): throw ContentsError.kinds(path: spot.text, directory: loser, other: winner)
    case (.link(let first, let firstSource), .link(let second, let secondSource)):
      if first == second { return }
      if let firstSource, let secondSource, try store.haveSameContent(firstSource, secondSource) { return }
    case (.file(let first, _), .file(let second, _)) where first == second: return
    default: break
    }
    if case .link(_, let source?) = known { winner = String(decoding: source, as: UTF8.self) }
    conflicts.append(ContentsConflict(path: spot.text, winner: winner, loser: loser))
  }

  private func origin(of spot: Spot) -> String { origins[spot.path] ?? "an earlier item" }
}
