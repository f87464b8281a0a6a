import FileTrees
import Glibc
import SystemPackage

/// Files of the lower tree with several names that were changed under one of them.
///
/// The overlay keeps such a file in its index (`Documentation/filesystems/overlayfs.rst`, "Index"), and the upper directory has only those of its
/// names that were written to or made. The others are found here, so that what comes back has all names of everything that changed.
final class IndexedFiles {
  private let upper: OpenDirectory
  private let tree: OpenDirectory
  private let walk: TreeWalk
  /// A name of each file that is known to have changed; the merged tree says which names are of one file.
  private var names: [FileIdentity: [UInt8]] = [:]

  /// Nil when there are none, which is so for most programs: the lower tree need not be read then.
  init?(lower: FilePath, upper: FilePath, index: FilePath, tree: FilePath) throws {
    guard try !OpenDirectory(index).names().isEmpty else { return nil }
    (self.upper, self.tree) = (try OpenDirectory(upper), try OpenDirectory(tree))
    walk = try TreeWalk(lower.appending("."), order: .bytes)
  }

  /// Takes note of a file that the upper directory has, and that has several names.
  func note(_ path: [UInt8]) {
    guard let status = Self.status(of: path, in: tree) else { return }
    names[status.identity] = path
  }

  /// The next name that the upper directory does not have, when all are noted that it has.
  func next() throws -> TarInput? {
    while let entry = try walk.next() {
      let (path, lower) = (entry.path, entry.status)
      guard lower.type != .directory, lower.linkCount > 1, Self.status(of: path, in: upper) == nil,
        let status = Self.status(of: path, in: tree), let type = status.type, type == lower.type
      else { continue }
      let name = Array("./".utf8) + path
      if let first = names[status.identity] {
        return TarInput(
          header: TarHeader(name: name, type: .hardLink, mode: 0, linkName: Array("./".utf8) + first))
      }
      // The name under which it was changed is gone, and so is one of its links.
      guard status.linkCount != lower.linkCount else { continue }
      names[status.identity] = path
      let place = FilePath(platformBytes: Array("\(tree.path)/".utf8) + path)
      guard let changed = try TreeWalk(place, order: .bytes).next() else { continue }
      return try changed.input(named: name, type, changed.extendedAttributes()) { _ in }
    }
    return nil
  }

  /// What is at a path; nil for nothing, and where one of its directories is none any more.
  private static func status(of path: [UInt8], in root: OpenDirectory) -> FileStatus? {
    guard let start = path.lastIndex(of: UInt8(ascii: "/")) else { return try? root.status(of: path) }
    guard let directory = try? root.directory(at: Array(path[..<start])) else { return nil }
    return try? directory.status(of: Array(path[(start + 1)...]))
  }
}
