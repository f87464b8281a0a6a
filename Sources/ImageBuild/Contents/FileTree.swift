public import ArchiveIO
import ImageArchive
public import SystemPackage

/// A tree of names in memory; the content of files stays where it is.
public struct FileTree: Sendable {
  /// One entry of a directory.
  public enum Node: Sendable {
    case directory(Directory)
    /// A symbolic link; `source` is the path in the store of the file that it stands for, or of the link that it was copied from.
    case link(target: [UInt8], source: [UInt8]?)
    case file([UInt8], mode: UInt32)
    /// A file, pipe or device of this machine.
    case copy(StoredFile)
  }

  /// A directory and what is in it.
  public struct Directory: Sendable {
    /// The entries by name.
    public var entries: [[UInt8]: Node] = [:]
    /// The permission bits.
    public var mode: UInt32 = 0o755

    /// An empty directory.
    public init() {}
  }

  /// The root.
  public var root = Directory()

  /// An empty tree.
  public init() {}

  /// Puts a node at a path, with the directories above it; what is there is replaced.
  public mutating func put(_ node: Node, at path: String) { put(node, at: Array(path.utf8)) }

  /// The same for a path of any bytes.
  mutating func put(_ node: Node, at path: [UInt8]) {
    let names = path.split(separator: UInt8(ascii: "/")).map(Array.init)
    Self.put(node, at: names[...], in: &root)
  }

  private static func put(_ node: Node, at names: ArraySlice<[UInt8]>, in directory: inout Directory) {
    guard let name = names.first else { return }
    let rest = names.dropFirst()
    if rest.isEmpty {
      // A directory that is there already keeps what is in it.
      if case .directory = node, case .directory = directory.entries[name] { return }
      directory.entries[name] = node
      return
    }
    update(name, in: &directory) { put(node, at: rest, in: &$0) }
  }

  /// Changes a directory, which is made with those above it when it is not there.
  mutating func update(directory path: [UInt8], _ body: (inout Directory) throws -> Void) rethrows {
    let names = path.split(separator: UInt8(ascii: "/")).map(Array.init)
    try Self.update(names[...], in: &root, body)
  }

  private static func update(
    _ names: ArraySlice<[UInt8]>, in directory: inout Directory, _ body: (inout Directory) throws -> Void
  ) rethrows {
    guard let name = names.first else { return try body(&directory) }
    try update(name, in: &directory) { try update(names.dropFirst(), in: &$0, body) }
  }

  /// Takes a directory out while it is changed, so that its entries are not copied.
  private static func update(
    _ name: [UInt8], in directory: inout Directory, _ body: (inout Directory) throws -> Void
  ) rethrows {
    guard case .directory(var child)? = directory.entries.removeValue(forKey: name) else {
      var child = Directory()
      try body(&child)
      directory.entries[name] = .directory(child)
      return
    }
    try body(&child)
    directory.entries[name] = .directory(child)
  }

  /// What is at a path; nil when there is nothing.
  public subscript(_ path: [UInt8]) -> Node? {
    var node = Node.directory(root)
    for name in path.split(separator: UInt8(ascii: "/")) {
      guard case .directory(let directory) = node, let next = directory.entries[Array(name)] else {
        return nil
      }
      node = next
    }
    return node
  }

  /// Whether there is a directory at a path; nil when there is nothing.
  @Sendable public func isDirectory(_ path: [UInt8]) -> Bool? {
    self[path].map { if case .directory = $0 { true } else { false } }
  }

  /// Whether there is a directory in the root.
  public var hasDirectories: Bool {
    root.entries.values.contains { if case .directory = $0 { true } else { false } }
  }

  /// The targets of all links.
  public var linkTargets: [[UInt8]] { Array(links.values) }

  /// The targets of all links by their paths.
  var links: [[UInt8]: [UInt8]] {
    var links: [[UInt8]: [UInt8]] = [:]
    var directories: [(path: [UInt8], directory: Directory)] = [([], root)]
    while let (path, directory) = directories.popLast() {
      for (name, node) in directory.entries {
        let place = FileSystemPath.joined(path, name)
        switch node {
        case .directory(let child): directories.append((place, child))
        case .link(let target, _): links[place] = target
        case .file, .copy: break
        }
      }
    }
    return links
  }
}

/// A file of this machine that is in a tree under another name.
public struct StoredFile: Sendable {
  /// Where it is.
  public var path: FilePath
  /// What was found there.
  public var status: FileStatus

  /// The file at `path`, with that status.
  public init(path: FilePath, status: FileStatus) {
    self.path = path
    self.status = status
  }

  /// Opens its content; no link is followed in the end.
  func open() throws -> OpenFile {
    guard let name = path.lastComponent else { throw FileError("open", path.string, .isDirectory) }
    return try OpenDirectory(path.removingLastComponent()).file(
      FilePath(root: nil, components: name).platformBytes)
  }
}
