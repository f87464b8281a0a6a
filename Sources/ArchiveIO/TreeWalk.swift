import Glibc
public import SystemPackage

/// Everything in a tree, parents first and each directory's names in a fixed order.
///
/// Only the directories on the way to the current entry are open, and only their names in memory.
public final class TreeWalk {
  /// How the names of one directory are ordered.
  public enum Order: Sendable {
    /// By bytes, as `tar --sort=name` does.
    case bytes
    /// By code points, as Python sorts paths (`PythonText`).
    case python
  }

  /// What was found.
  public struct Entry {
    /// The path below the root, without a slash at the beginning or end; empty for the root.
    public let path: [UInt8]
    /// What it is.
    public let status: FileStatus
    /// Where a symbolic link leads.
    public let linkTarget: [UInt8]
    let directory: OpenDirectory
    let name: [UInt8]

    /// Opens the content of a file.
    public func open() throws(FileError) -> OpenFile { try directory.file(name) }

    /// The full path, for messages.
    public var description: String { directory.path + "/" + String(decoding: name, as: UTF8.self) }
  }

  private struct Level {
    let directory: OpenDirectory
    /// The directory's path below the root, with a slash at the end unless it is the root.
    let prefix: [UInt8]
    /// The names to come, the next one last.
    var names: [[UInt8]]
  }

  private let order: Order
  private var levels: [Level] = []
  private var root: (directory: OpenDirectory, name: [UInt8])?

  /// A walk through what is at `root`: a directory, a single file or a link, which is not followed.
  public init(_ root: FilePath, order: Order) throws(FileError) {
    self.order = order
    guard let name = root.lastComponent, name.kind == .regular else {
      self.root = (try OpenDirectory(root), [])
      return
    }
    let parent = root.removingLastComponent()
    let bytes = name.withPlatformString { text in
      Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }
    self.root = (try OpenDirectory(parent.isEmpty ? "." : parent), bytes)
  }

  /// The next entry, or nil after the last.
  public func next() throws(FileError) -> Entry? {
    if let (directory, name) = root {
      root = nil
      return try visit(name, in: directory, path: [])
    }
    while let level = levels.indices.last {
      if let name = levels[level].names.popLast() {
        return try visit(name, in: levels[level].directory, path: levels[level].prefix + name)
      }
      levels.removeLast()
    }
    return nil
  }

  private func visit(_ name: [UInt8], in directory: OpenDirectory, path: [UInt8]) throws(FileError) -> Entry {
    let status = try directory.status(of: name)
    var target: [UInt8] = []
    switch status.type {
    case .directory:
      let found = name.isEmpty ? directory : try directory.directory(name)
      let prefix = path.isEmpty ? [] : path + [UInt8(ascii: "/")]
      levels.append(Level(directory: found, prefix: prefix, names: Self.reversed(try found.names(), order)))
    case .symbolicLink: target = try directory.target(of: name, byteCount: status.byteCount)
    default: break
    }
    return Entry(path: path, status: status, linkTarget: target, directory: directory, name: name)
  }

  private static func reversed(_ names: [[UInt8]], _ order: Order) -> [[UInt8]] {
    let isPlain = order == .bytes || names.allSatisfy { $0.allSatisfy { $0 < 0x80 } }
    if isPlain { return names.sorted { $1.lexicographicallyPrecedes($0) } }
    return names.map { ($0, PythonText($0)) }.sorted { $1.1 < $0.1 }.map(\.0)
  }
}
