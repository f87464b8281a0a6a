import ArchiveIO
import Glibc
import ImageBuild
import NixStore
import SystemPackage

/// What of the store a script in a machine sees: the store paths that it and its image speak of, and those that these speak of.
///
/// Found in the bytes, as Nix itself finds what refers to what. The whole store would have to be copied to a disk.
struct VisibleStore {
  /// Where the store is seen.
  let storeDirectory: String
  /// Where it is on this machine.
  let location: FilePath

  private func place(of path: StorePath) -> FilePath { location.appending(path.baseName) }

  private func exists(_ path: StorePath) -> Bool {
    faccessat(AT_FDCWD, place(of: path).string, F_OK, AT_SYMLINK_NOFOLLOW) == 0
  }

  /// The paths on this machine by their names in the store, beginning with what is in `sources`.
  ///
  /// - Throws: `FileError`, what the sources throw.
  func paths(mentionedIn sources: [any ByteSource]) throws -> [String: FilePath] {
    let references = StoreReferences(storeDirectory: storeDirectory)
    var found: [String: FilePath] = [:]
    var waiting: [StorePath] = []
    func look(into source: any ByteSource) throws {
      // What does not exist is only text.
      for path in try references.find(in: source, exists: exists) where exists(path) {
        guard found.updateValue(place(of: path), forKey: path.baseName) == nil else { continue }
        waiting.append(path)
      }
    }
    for source in sources { try look(into: source) }
    while let path = waiting.popLast() {
      let members = try ScratchMembers(place(of: path), ownership: Ownership(), prefix: path.baseName)
      try look(into: TarStream(members, .gnu(numericOwner: true)))
    }
    return found
  }
}
