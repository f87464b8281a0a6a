import Glibc
public import SystemPackage

/// Everything in a tree, parents first and in a fixed order.
///
/// Only the directories on the way to the current entry are open, and only their names in memory.
public final class TreeWalk {
  /// How the names of one directory are ordered.
  public enum Order: Sendable {
    /// By bytes, as `tar --sort=name` does.
    case bytes
    /// By code points, as Python sorts paths (`PythonText`).
    case python
    /// Whole paths by bytes, as `sort` orders a list of them: `a-b` comes after `a` and before `a/b`.
    case paths
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

    /// Calls `body` with the directory that it is in and its name there, for the root of a walk itself and `.`.
    public func change<Value>(_ body: (OpenDirectory, [UInt8]) throws -> Value) rethrows -> Value {
      try body(directory, name.isEmpty ? Array(".".utf8) : name)
    }

    /// Its extended attributes.
    public func extendedAttributes() throws(FileError) -> [PAXRecord] {
      try directory.extendedAttributes(of: name)
    }

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

  private static let slash = UInt8(ascii: "/")

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
      guard let name = levels[level].names.popLast() else {
        levels.removeLast()
        continue
      }
      let directory = levels[level].directory
      if name.last == Self.slash {
        try enter(Array(name.dropLast()), in: directory, path: levels[level].prefix + name.dropLast())
      } else {
        return try visit(name, in: directory, path: levels[level].prefix + name)
      }
    }
    return nil
  }

  private func visit(_ name: [UInt8], in directory: OpenDirectory, path: [UInt8]) throws(FileError) -> Entry {
    let status = try directory.status(of: name)
    var target: [UInt8] = []
    switch status.type {
    case .directory:
      if order == .paths, let level = levels.indices.last {
        postpone(name + [Self.slash], at: level)
      } else {
        try enter(name, in: directory, path: path)
      }
    case .symbolicLink: target = try directory.target(of: name, byteCount: status.byteCount)
    default: break
    }
    return Entry(path: path, status: status, linkTarget: target, directory: directory, name: name)
  }

  private func enter(_ name: [UInt8], in directory: OpenDirectory, path: [UInt8]) throws(FileError) {
    let found = name.isEmpty ? directory : try directory.directory(name)
    let prefix = path.isEmpty ? [] : path + [Self.slash]
    levels.append(Level(directory: found, prefix: prefix, names: Self.reversed(try found.names(), order)))
  }

  /// Puts what is in a directory, which its name with a slash stands for, after the names that come before it.
  private func postpone(_ name: [UInt8], at level: Int) {
    let names = levels[level].names
    let place = names.lastIndex { !$0.lexicographicallyPrecedes(name) }
    levels[level].names.insert(name, at: place.map { $0 + 1 } ?? 0)
  }

  private static func reversed(_ names: [[UInt8]], _ order: Order) -> [[UInt8]] {
    let isPlain = order != .python || names.allSatisfy { $0.allSatisfy { $0 < 0x80 } }
    if isPlain { return names.sorted { $1.lexicographicallyPrecedes($0) } }
    return names.map { ($0, PythonText($0)) }.sorted { $1.1 < $0.1 }.map(\.0)
  }
}
