import ArchiveIO
import Glibc
import SystemPackage

/// Joins store paths in one tree of real directories and links into the store, as nixpkgs' `symlinkJoin` does with `lndir`
/// (nix-dockertools.md, section 2.6).
///
/// Unlike there, nothing is dropped silently: what differs is told, and a link to a directory where another item has a directory is opened.
public struct SymlinkFarm: Sendable {
  private static let skippedDirectories = Set(
    ["BitKeeper", "RCS", "SCCS", "CVS", "CVS.adm", ".svn"].map { Array($0.utf8) })
  private static let linkLimit = 40

  /// The tree so far.
  public private(set) var tree = FileTree()
  /// What was not taken, since an earlier item has something else there.
  public private(set) var conflicts: [ContentsConflict] = []
  private let storeDirectory: String
  private let root: String

  /// An empty farm; `root` is put before store paths to find them on this machine.
  public init(storeDirectory: String, root: String = "") {
    self.storeDirectory = storeDirectory
    self.root = root
  }

  /// Where something is: in the image, and on this machine.
  private struct Place {
    var logical: String
    var actual: FilePath

    func appending(_ name: [UInt8]) -> Place {
      Place(
        logical: logical + "/" + String(decoding: name, as: UTF8.self),
        actual: FilePath(platformBytes: actual.platformBytes + [UInt8(ascii: "/")] + name))
    }
  }

  /// Adds what is in a directory of the store.
  ///
  /// - Throws: `ContentsError`, `FileError`.
  public mutating func add(_ path: String) throws {
    let place = Place(logical: path, actual: FilePath(root + path))
    guard access(place.actual.string, F_OK) == 0 else {
      throw FileError("open", place.actual.string, Errno(rawValue: errno))
    }
    guard let directory = try resolvedDirectory(place) else { throw ContentsError.notADirectory(path) }
    var top = tree.root
    try merge(directory, into: &top, at: "", item: path)
    tree.root = top
  }

  /// Adds files that are made up, such as an environment helper's.
  public mutating func add(_ entries: HelperTree, named item: String) throws {
    for entry in entries.entries {
      let node = entry.content.node
      guard let known = tree[Array(entry.path.utf8)] else {
        tree.put(node, at: entry.path)
        continue
      }
      try compare(known, node, at: entry.path, winner: "an earlier item", loser: item)
    }
  }

  // MARK: Merging

  private mutating func merge(
    _ place: Place, into directory: inout FileTree.Directory, at path: String, item: String
  ) throws {
    let source = try OpenDirectory(place.actual)
    for name in try source.names().sorted(by: { $0.lexicographicallyPrecedes($1) })
    where name.last != UInt8(ascii: "~") {
      let status = try source.status(of: name)
      let child = place.appending(name)
      let childPath =
        path.isEmpty
        ? String(decoding: name, as: UTF8.self) : path + "/" + String(decoding: name, as: UTF8.self)
      if status.type == .directory {
        if Self.skippedDirectories.contains(name) { continue }
        try mergeDirectory(child, into: &directory, name: name, at: childPath, item: item)
        continue
      }
      let target: [UInt8] =
        status.type == .symbolicLink
        ? try source.target(of: name, byteCount: status.byteCount)
        : place.logical.utf8 + [UInt8(ascii: "/")] + name
      try mergeLeaf(
        .link(target: target, source: child.actual), child, into: &directory, name: name, at: childPath,
        item: item)
    }
  }

  private mutating func mergeDirectory(
    _ place: Place, into directory: inout FileTree.Directory, name: [UInt8], at path: String, item: String
  ) throws {
    var child = FileTree.Directory()
    switch directory.entries[name] {
    case nil: break
    case .directory(let known): child = known
    case .link(_, let source?):
      // The other item's link becomes a directory of links to what is behind it.
      let link = Place(logical: logical(source), actual: source)
      guard let behind = try resolvedDirectory(link) else {
        throw ContentsError.link(path: path, link: link.logical, directory: item)
      }
      try merge(behind, into: &child, at: path, item: behind.logical)
    case .link(let target, nil):
      throw ContentsError.link(path: path, link: String(decoding: target, as: UTF8.self), directory: item)
    case .file: throw ContentsError.kinds(path: path, directory: item, other: "an earlier item")
    }
    try merge(place, into: &child, at: path, item: item)
    directory.entries[name] = .directory(child)
  }

  private mutating func mergeLeaf(
    _ node: FileTree.Node, _ place: Place, into directory: inout FileTree.Directory, name: [UInt8],
    at path: String,
    item: String
  ) throws {
    guard let known = directory.entries[name] else {
      directory.entries[name] = node
      return
    }
    if case .directory(var child) = known {
      guard let behind = try resolvedDirectory(place), behind.actual != place.actual else {
        throw ContentsError.kinds(path: path, directory: "an earlier item", other: item)
      }
      try merge(behind, into: &child, at: path, item: behind.logical)
      directory.entries[name] = .directory(child)
      return
    }
    var winner = "an earlier item"
    if case .link(_, let source?) = known { winner = logical(source) }
    try compare(known, node, at: path, winner: winner, loser: item)
  }

  private mutating func compare(
    _ known: FileTree.Node, _ node: FileTree.Node, at path: String, winner: String, loser: String
  ) throws {
    switch (known, node) {
    case (.directory, .directory): return
    case (.directory, _): throw ContentsError.kinds(path: path, directory: winner, other: loser)
    case (_, .directory): throw ContentsError.kinds(path: path, directory: loser, other: winner)
    case (.link(let first, let firstSource), .link(let second, let secondSource)):
      if first == second { return }
      if let firstSource, let secondSource, try Self.haveSameContent(firstSource, secondSource) { return }
    case (.file(let first, _), .file(let second, _)) where first == second: return
    default: break
    }
    conflicts.append(ContentsConflict(path: path, winner: winner, loser: loser))
  }

  // MARK: Files of this machine

  private func logical(_ actual: FilePath) -> String { String(actual.string.dropFirst(root.utf8.count)) }

  /// The directory that a path leads to through any number of links; nil when that is no directory, or outside of the store.
  private func resolvedDirectory(_ place: Place) throws -> Place? {
    var place = place
    for _ in 0..<Self.linkLimit {
      var status = stat()
      guard lstat(place.actual.string, &status) == 0 else { return nil }
      let logical = FilePath(place.logical).lexicallyNormalized()
      guard logical.starts(with: FilePath(storeDirectory)) else { return nil }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: return place
      case S_IFLNK:
        let parent = try OpenDirectory(place.actual.removingLastComponent())
        let name = place.actual.lastComponent.map { Array($0.string.utf8) } ?? []
        let target = String(
          decoding: try parent.target(of: name, byteCount: Int64(status.st_size)), as: UTF8.self)
        let next = FilePath(place.logical).removingLastComponent().pushing(FilePath(target))
          .lexicallyNormalized()
        place = Place(logical: next.string, actual: FilePath(root + next.string))
      default: return nil
      }
    }
    return nil
  }

  /// Whether two paths lead to files with the same bytes.
  private static func haveSameContent(_ first: FilePath, _ second: FilePath) throws -> Bool {
    func open(_ path: FilePath) -> (FileRange, Int64)? {
      var status = stat()
      guard stat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      let descriptor = Glibc.open(path.string, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { return nil }
      let file = DirectFile(owning: FileDescriptor(rawValue: descriptor), path: path.string, direct: false)
      return (FileRange(file, offset: 0, byteCount: Int64(status.st_size)), Int64(status.st_size))
    }
    guard let (left, leftCount) = open(first), let (right, rightCount) = open(second), leftCount == rightCount
    else { return false }
    return try left.hasSameBytes(as: right)
  }
}
