import FileTrees
import SystemPackage

/// The names of changed files that have several: the merged tree says which are names of one file.
final class ChangedNames {
  /// What is known of a file.
  struct First {
    /// The name that came first.
    var path: [UInt8]
    /// Whether something was done to the file itself: otherwise it only is in a directory that was moved.
    var isTouched: Bool
  }

  /// The merged tree.
  let tree: OpenDirectory
  private let upper: OpenDirectory
  private var names: [FileIdentity: First] = [:]

  init(tree: FilePath, upper: FilePath) throws {
    (self.tree, self.upper) = (try OpenDirectory(tree), try OpenDirectory(upper))
  }

  /// What is known of a file.
  subscript(_ identity: FileIdentity) -> First? { names[identity] }

  /// The member for another name of a file; nil for its first, of which note is taken.
  ///
  /// - Parameter status: what is at that path in the merged tree.
  func link(_ path: [UInt8], to status: FileStatus) -> TarInput? {
    guard status.type != .directory else { return nil }
    let isTouched = isInUpper(path)
    guard let first = names[status.identity] else {
      names[status.identity] = First(path: path, isTouched: isTouched)
      return nil
    }
    if isTouched { names[status.identity]?.isTouched = true }
    return Self.link(path, to: first)
  }

  /// The member for another name of a file.
  static func link(_ path: [UInt8], to first: First) -> TarInput {
    let prefix = Array("./".utf8)
    return TarInput(
      header: TarHeader(name: prefix + path, type: .hardLink, mode: 0, linkName: prefix + first.path))
  }

  /// Whether the upper directory has something at a path.
  func isInUpper(_ path: [UInt8]) -> Bool { Self.status(of: path, in: upper) != nil }

  /// What the merged tree has at a path; nil for nothing, and where one of the directories is none any more.
  func status(of path: [UInt8]) -> FileStatus? { Self.status(of: path, in: tree) }

  private static func status(of path: [UInt8], in root: OpenDirectory) -> FileStatus? {
    guard let start = path.lastIndex(of: UInt8(ascii: "/")) else { return try? root.status(of: path) }
    guard let directory = try? root.directory(at: Array(path[..<start])) else { return nil }
    return try? directory.status(of: Array(path[(start + 1)...]))
  }

  /// A walk through what the merged tree has at a path.
  func walk(_ path: [UInt8]) throws -> TreeWalk {
    try TreeWalk(FilePath(platformBytes: Array("\(tree.path)/".utf8) + path), order: .bytes)
  }
}
