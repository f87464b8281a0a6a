import FileTrees
import SystemPackage

/// The names of changed files that have several: the merged tree says which are names of one file.
final class ChangedNames {
  private let tree: OpenDirectory
  private let upper: OpenDirectory
  private var firsts = FirstNames()
  private var touched: Set<FileIdentity> = []

  init(tree: FilePath, upper: FilePath) throws {
    (self.tree, self.upper) = (try OpenDirectory(tree), try OpenDirectory(upper))
  }

  /// The member for another name of a file; nil for its first, of which note is taken, and its only one.
  ///
  /// - Parameter status: what is at that path in the merged tree.
  func link(_ path: [UInt8], to status: FileStatus) -> TarInput? {
    guard status.type != .directory, status.linkCount > 1 else { return nil }
    if isInUpper(path) { touched.insert(status.identity) }
    return firsts.link(Array("./".utf8) + path, to: status)
  }

  /// Whether something was done to a file of which a name is known: otherwise it only is in a directory that was moved.
  func isTouched(_ identity: FileIdentity) -> Bool { touched.contains(identity) }

  /// Whether the upper directory has something at a path.
  func isInUpper(_ path: [UInt8]) -> Bool { Self.status(of: path, in: upper) != nil }

  /// What the merged tree has at a path; nil for nothing, and where one of the directories is none any more.
  func status(of path: [UInt8]) -> FileStatus? { Self.status(of: path, in: tree) }

  private static func status(of path: [UInt8], in root: OpenDirectory) -> FileStatus? {
    let (parent, name) = LayerName.split(path)
    return try? root.directory(at: parent).status(of: Array(name))
  }

  /// A walk through what the merged tree has at a path.
  func walk(_ path: [UInt8]) throws -> TreeWalk {
    try TreeWalk(FilePath(platformBytes: Array("\(tree.path)/".utf8) + path), order: .bytes)
  }
}
