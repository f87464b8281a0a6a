import ArchiveIO
import Glibc
import ImageBuild
import NixStore
import SystemPackage

/// What `contents` of a spec stands for: a tree of links into the store, and directories that become layers of their own.
struct LayeredContents {
  /// The tree of the customisation layer.
  private(set) var tree: FileTree
  /// Directories outside of the store, in the order of the spec.
  let plainDirectories: [FilePath]
  /// What several items have, and not alike.
  private(set) var conflicts: [ContentsConflict]
  /// The store paths that the tree leads to.
  var references: [StorePath]

  init(
    _ spec: LayeredSpec, and trees: [(name: String, tree: HelperTree)] = [], storeDirectory: String,
    root: String
  ) throws {
    var farm = SymlinkFarm(storeDirectory: storeDirectory, root: root)
    var plain: [FilePath] = []
    var items: Set<StorePath> = []
    for item in spec.contents {
      switch item {
      case .path(let path) where path.string.hasPrefix(storeDirectory + "/"):
        try farm.add(path.string)
        items.insert(try StorePath.locate(path.string, storeDirectory: storeDirectory).storePath)
      case .path(let path): plain.append(try Self.directory(path))
      case .helper(let name, let path):
        let tree = try name.tree(path: path?.string, storeDirectory: storeDirectory) {
          try UserFile.contents(of: $0)
        }
        try farm.add(tree, named: "helper:\(name)")
      }
    }
    for (name, tree) in trees { try farm.add(tree, named: name) }
    tree = farm.tree
    plainDirectories = plain
    conflicts = try farm.conflicts + Self.conflicts(of: plain, with: farm.tree)
    let found = tree.linkTargets.compactMap {
      try? StorePath.locate(String(decoding: $0, as: UTF8.self), storeDirectory: storeDirectory).storePath
    }
    references = items.union(found).sorted()
  }

  /// Whether there is anything that a link of the base image could lead elsewhere.
  var hasDirectories: Bool {
    !plainDirectories.isEmpty || tree.hasDirectories
  }

  /// Puts what is in directories that the base image has behind links where those lead.
  mutating func place(behind links: DirectoryLinks) throws {
    let placed = try tree.placed(behind: links)
    tree = placed.tree
    conflicts += placed.conflicts
  }

  private static func directory(_ path: FilePath) throws -> FilePath {
    var status = stat()
    guard stat(path.string, &status) == 0 else {
      throw FileError("open", path.string, Errno(rawValue: errno))
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw ContentsError.notADirectory(path.string) }
    return path
  }

  /// What a plain directory has that the tree or an earlier one has too; only the names on the way are in memory.
  private static func conflicts(of directories: [FilePath], with tree: FileTree) throws -> [ContentsConflict]
  {
    var conflicts: [ContentsConflict] = []
    for (index, directory) in directories.enumerated() {
      let walk = try TreeWalk(directory.appending("."), order: .bytes)
      while let entry = try walk.next() {
        if entry.path.isEmpty { continue }
        var winner: String?
        if let node = tree[entry.path] {
          if case .directory = node, entry.status.type == .directory { continue }
          winner = "the store's contents"
        } else {
          winner = try directories[..<index].first { try Self.differs(entry, in: $0) }?.string
        }
        guard let winner else { continue }
        conflicts.append(
          ContentsConflict(
            path: String(decoding: entry.path, as: UTF8.self), winner: winner, loser: directory.string))
      }
    }
    return conflicts
  }

  /// Whether an earlier directory has something at the place of an entry, and not the same.
  private static func differs(_ entry: TreeWalk.Entry, in other: FilePath) throws -> Bool {
    var status = stat()
    let slash = UInt8(ascii: "/")
    let path = FilePath(platformBytes: other.platformBytes + [slash] + entry.path)
    guard path.withPlatformString({ lstat($0, &status) }) == 0 else { return false }
    let names = entry.path.split(separator: slash).map(Array.init)
    var directory = try OpenDirectory(other)
    for name in names.dropLast() {
      // What is behind a link is not at that place; the link itself has been told.
      guard try directory.status(of: name).type == .directory else { return false }
      directory = try directory.directory(name)
    }
    let name = names.last ?? []
    let known = try directory.status(of: name)
    switch (known.type, entry.status.type) {
    case (.directory, .directory): return false
    case (.symbolicLink, .symbolicLink):
      return try directory.target(of: name, byteCount: known.byteCount) != entry.linkTarget
    default:
      let loser = StoredFile(path: FilePath(entry.description), status: entry.status)
      return try !StoredFile(path: path, status: known).isSame(as: loser)
    }
  }
}
