public import ArchiveIO
import ImageArchive
public import SystemPackage

/// Everything in a tree on disk as members of a tar that keep all that is said of it: hard links, times, attributes.
public final class ScratchMembers: TarMembers {
  private let walk: TreeWalk
  private let prefix: [UInt8]
  private let ownership: Ownership
  private var names: [FileIdentity: [UInt8]] = [:]

  /// Those of what is at `root`, which has this ownership, under the name `prefix` and below it; sockets are left out.
  public init(_ root: FilePath, ownership: Ownership, prefix: String = ".") throws {
    walk = try TreeWalk(root, order: .bytes)
    (self.ownership, self.prefix) = (ownership, Array(prefix.utf8))
  }

  /// See `TarMembers`.
  public func next() throws -> TarInput? {
    while let entry = try walk.next() {
      if entry.status.type == nil { continue }
      let name = entry.path.isEmpty ? prefix : prefix + [UInt8(ascii: "/")] + entry.path
      if entry.status.type != .directory, entry.status.linkCount > 1 {
        if let first = names[entry.status.identity] {
          return TarInput(header: TarHeader(name: name, type: .hardLink, mode: 0, linkName: first))
        }
        names[entry.status.identity] = name
      }
      let attributes = ownership.trustsDisk ? try entry.extendedAttributes() : []
      return try entry.input(named: name) { header in
        header.extendedAttributes = attributes
        header.modificationTime = entry.status.modificationTime
        header.modificationNanoseconds = entry.status.modificationNanoseconds
        ownership.apply(to: &header, of: entry.status)
      }
    }
    return nil
  }
}
