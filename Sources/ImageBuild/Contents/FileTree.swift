/// A tree of names in memory; the content of files stays where it is.
public struct FileTree: Sendable {
  /// One entry of a directory.
  public enum Node: Sendable {
    case directory(Directory)
    /// A symbolic link; `source` is the path in the store of the file that it stands for, or of the link that it was copied from.
    case link(target: [UInt8], source: [UInt8]?)
    case file([UInt8], mode: UInt32)
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
    var child = Directory()
    if case .directory(let known) = directory.entries[name] { child = known }
    put(node, at: rest, in: &child)
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

  /// The targets of all links.
  public var linkTargets: [[UInt8]] {
    var targets: [[UInt8]] = []
    var directories = [root]
    while let directory = directories.popLast() {
      for node in directory.entries.values {
        switch node {
        case .directory(let child): directories.append(child)
        case .link(let target, _): targets.append(target)
        case .file: break
        }
      }
    }
    return targets
  }
}
