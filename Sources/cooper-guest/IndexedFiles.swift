import FileTrees
import SystemPackage

/// Files of the lower tree with several names that were changed under one of them.
///
/// The overlay keeps such a file in its index (`Documentation/filesystems/overlayfs.rst`, "Index"), and the upper directory has only those of its
/// names that were written to or made. The others are found here, so that what comes back has all names of everything that changed.
final class IndexedFiles {
  private let names: ChangedNames
  private let walk: TreeWalk

  /// Nil when there are none, which is so for most programs: the lower tree need not be read then.
  init?(lower: FilePath, index: FilePath, names: ChangedNames) throws {
    guard try !OpenDirectory(index).names().isEmpty else { return nil }
    self.names = names
    walk = try TreeWalk(lower.appending("."), order: .bytes)
  }

  /// The next name that the upper directory does not have, when all are known that it has.
  func next() throws -> TarInput? {
    while let entry = try walk.next() {
      let (path, lower) = (entry.path, entry.status)
      guard lower.type != .directory, lower.linkCount > 1, !names.isInUpper(path),
        let status = names.status(of: path), let type = status.type, type == lower.type
      else { continue }
      // A name that is gone, or new, changes the file, too.
      guard names.isTouched(status.identity) || status.linkCount != lower.linkCount else { continue }
      if let link = names.link(path, to: status) { return link }
      guard let changed = try names.walk(path).next() else { continue }
      return try changed.input(named: Array("./".utf8) + path, type, changed.extendedAttributes())
    }
    return nil
  }
}
