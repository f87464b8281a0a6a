import ArchiveIO
import ImageArchive
public import SystemPackage

/// Copies of directories on top of each other, as `rsync -a` makes them for `copyToRoot` (nix-dockertools.md, section 5.3).
///
/// A later item replaces what an earlier one has under the same name, which is told when it is something else. Links to directories become
/// directories (`-k`) or stay, and then a directory that another item has there goes where the link leads (`-K`).
public struct CopiedTree: Sendable {
  private static let slash = UInt8(ascii: "/")
  /// Directories inside each other.
  private static let depthLimit = 500

  /// The tree so far.
  public private(set) var tree = FileTree()
  /// What a later item replaced.
  public private(set) var conflicts: [ContentsConflict] = []
  private let keepsLinks: Bool
  private let storeDirectory: String
  private let root: String
  /// Directories that have the name of a link, for the end of their item (`-K`).
  private var postponed: [(source: Source, mode: UInt32, place: [UInt8])] = []

  /// An empty tree; `root` is put before store paths to find them on this machine.
  public init(storeDirectory: String, root: String = "", keepsLinks: Bool) {
    self.storeDirectory = storeDirectory
    self.root = root
    self.keepsLinks = keepsLinks
  }

  /// A directory that is being copied.
  private struct Source {
    var directory: OpenDirectory
    /// Its path, as links in it know it.
    var path: [UInt8]
    /// What is named in messages.
    var item: String
    /// Where its links may lead: into the store, and into the item itself when that is elsewhere.
    var reach: StoreLookup
    /// The directories that have links in them that were followed on the way here.
    var followed: [[UInt8]] = []
    var depth = 0

    /// Whether a directory has this one inside, so that copying it here would never end.
    func isInside(_ path: [UInt8]) -> Bool {
      (followed + [self.path]).contains { FileSystemPath.isInside($0, path) }
    }
  }

  /// Copies what is in a directory: of the store, or any other.
  ///
  /// - Throws: `ContentsError`, `FileError`.
  public mutating func add(_ path: FilePath) throws {
    let store = StoreLookup(storeDirectory: storeDirectory, root: root)
    let item = path.string
    var source: Source
    if item.hasPrefix(storeDirectory + "/") {
      guard let found = try store.find(path.platformBytes) else {
        throw FileError("open", root + item, .noSuchFileOrDirectory)
      }
      guard case .directory(let directory) = found.found else { throw ContentsError.notADirectory(item) }
      source = Source(directory: directory, path: found.path, item: item, reach: store)
    } else {
      let reach = StoreLookup(storeDirectory: storeDirectory, root: root, item: path.platformBytes)
      source = Source(directory: try OpenDirectory(path), path: path.platformBytes, item: item, reach: reach)
    }
    // As `item/` of rsync: the root of the tree gets the item's mode.
    tree.root.mode = try source.directory.status(of: []).mode
    var top = tree.root
    try copy(source, to: [], in: &top)
    tree.root = top
    while !postponed.isEmpty { try copyPostponed(postponed.removeFirst()) }
  }

  /// Adds files that are made up, such as an environment helper's.
  public mutating func add(_ entries: HelperTree, named item: String) throws {
    for entry in entries.entries {
      let node = entry.content.node
      if let known = tree[Array(entry.path.utf8)] {
        if case .directory = known, case .directory = node { continue }
        try report(known, replacedBy: node, at: Array(entry.path.utf8), item)
      }
      tree.put(node, at: entry.path)
    }
  }

  private mutating func copy(
    _ source: Source, to path: [UInt8], in directory: inout FileTree.Directory
  ) throws {
    guard source.depth < Self.depthLimit else { throw ContentsError.tooDeep(source.item) }
    for name in try source.directory.names().sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let status = try source.directory.status(of: name)
      let place = FileSystemPath.joined(path, name)
      switch status.type {
      case .directory?:
        var inner = source
        inner.directory = try source.directory.directory(name)
        inner.path += [Self.slash] + name
        inner.depth += 1
        try copyDirectory(inner, mode: status.mode, to: place, name, in: &directory)
      case .symbolicLink?:
        let target = try source.directory.target(of: name, byteCount: status.byteCount)
        if !keepsLinks, let behind = try follow(name, in: source) {
          let mode = try behind.directory.status(of: []).mode
          try copyDirectory(behind, mode: mode, to: place, name, in: &directory)
        } else {
          try put(.link(target: target, source: nil), source.item, at: place, name, in: &directory)
        }
      default:
        let file = StoredFile(path: file(name, in: source), status: status)
        try put(.copy(file), source.item, at: place, name, in: &directory)
      }
    }
  }

  private func file(_ name: [UInt8], in source: Source) -> FilePath {
    let isInStore = source.path.starts(with: Array((storeDirectory + "/").utf8))
    return FilePath(platformBytes: (isInStore ? Array(root.utf8) : []) + source.path + [Self.slash] + name)
  }

  /// The directory that a link leads to, inside the item or the store; nil for anything else, and for one that has the link inside.
  private func follow(_ name: [UInt8], in source: Source) throws -> Source? {
    guard let found = try source.reach.find(source.path + [Self.slash] + name),
      case .directory(let directory) = found.found, !source.isInside(found.path)
    else { return nil }
    var behind = source
    behind.directory = directory
    behind.path = found.path
    behind.followed.append(source.path)
    behind.depth += 1
    return behind
  }

  private mutating func copyDirectory(
    _ source: Source, mode: UInt32, to place: [UInt8], _ name: [UInt8],
    in directory: inout FileTree.Directory
  ) throws {
    var child = FileTree.Directory()
    switch directory.entries[name] {
    case .directory(let known)?: child = known
    case .link? where keepsLinks: return postponed.append((source, mode, place))
    case let known?: try report(known, replacedBy: .directory(child), at: place, source.item)
    case nil: break
    }
    child.mode = mode
    try copy(source, to: place, in: &child)
    directory.entries[name] = .directory(child)
  }

  /// Copies a directory to where the link of its name leads; only a link to something else is replaced.
  private mutating func copyPostponed(_ item: (source: Source, mode: UInt32, place: [UInt8])) throws {
    let links = try DirectoryLinks(tree)
    let real = links.place(of: item.place)
    if real == item.place, let known = tree[real] {
      try report(known, replacedBy: .directory(FileTree.Directory()), at: real, item.source.item)
      tree.put(.directory(FileTree.Directory()), at: real)
    }
    var changed = tree
    tree = FileTree()
    try changed.update(directory: real) { directory in
      directory.mode = item.mode
      try copy(item.source, to: real, in: &directory)
    }
    tree = changed
  }

  private mutating func put(
    _ node: FileTree.Node, _ item: String, at place: [UInt8], _ name: [UInt8],
    in directory: inout FileTree.Directory
  ) throws {
    if let known = directory.entries[name] { try report(known, replacedBy: node, at: place, item) }
    directory.entries[name] = node
  }

  private mutating func report(
    _ known: FileTree.Node, replacedBy node: FileTree.Node, at place: [UInt8], _ item: String
  ) throws {
    let path = String(decoding: place, as: UTF8.self)
    // As rsync, which puts nothing in the place of a directory that has something.
    if case .directory(let directory) = known, !directory.entries.isEmpty {
      throw ContentsError.kinds(path: path, directory: "an earlier item", other: item)
    }
    if try known.isSame(as: node) { return }
    conflicts.append(ContentsConflict(path: path, winner: item, loser: "an earlier item"))
  }
}

extension FileTree.Node {
  /// Whether an image would not show which of the two it has.
  fileprivate func isSame(as other: FileTree.Node) throws -> Bool {
    switch (self, other) {
    case (.link(let first, _), .link(let second, _)): first == second
    case (.file(let first, let firstMode), .file(let second, let secondMode)):
      first == second && firstMode == secondMode
    case (.copy(let first), .copy(let second)): try first.isSame(as: second)
    default: false
    }
  }
}

extension StoredFile {
  /// Whether two files, pipes or devices have the same mode and content; the content is only read when it has to be.
  ///
  /// - Throws: `FileError`.
  public func isSame(as other: StoredFile) throws -> Bool {
    guard status.type == other.status.type, status.mode == other.status.mode,
      status.device == other.status.device
    else { return false }
    guard status.type == .regular else { return true }
    if status.identity == other.status.identity { return true }
    return try status.byteCount == other.status.byteCount && open().hasSameContent(as: other.open())
  }
}
