public import ArchiveIO
import ImageArchive
public import SystemPackage

/// Everything in a tree on disk with all that is said of it: hard links as such, times to the nanosecond, extended attributes.
///
/// This is for file systems. Layers have less: see `ScratchLayer`.
public final class TreeMembers: TarMembers {
  private let walk: TreeWalk
  private let ownership: Ownership
  private let excluded: [[UInt8]]
  /// The first names of files that have several.
  private var names: [FileIdentity: [UInt8]] = [:]

  /// What is in the directory `root`, with the owners that `ownership` says, but the excluded paths and what is below them.
  ///
  /// - Throws: `FileError`.
  public init(_ root: FilePath, ownership: Ownership, excluding excluded: [String] = []) throws(FileError) {
    walk = try TreeWalk(root.appending("."), order: .bytes)
    self.ownership = ownership
    self.excluded = excluded.map { Array($0.utf8) }
  }

  /// See `TarMembers`.
  ///
  /// - Throws: `LayeredImageError.socket`, `FileError`.
  public func next() throws -> TarInput? {
    while let entry = try walk.next() {
      if !excluded.contains(where: { FileSystemPath.isInside(entry.path, $0) }) { return try input(entry) }
    }
    return nil
  }

  private func input(_ entry: TreeWalk.Entry) throws -> TarInput {
    let name = Array("./".utf8) + entry.path
    if entry.status.linkCount > 1, entry.status.type != .directory {
      if let first = names[entry.status.identity] {
        return TarInput(header: TarHeader(name: name, type: .hardLink, mode: 0, linkName: first))
      }
      names[entry.status.identity] = name
    }
    // As in a layer: who only pretends to be root cannot have set any that matter.
    let attributes = ownership.trustsDisk ? try entry.extendedAttributes() : []
    return try entry.input(named: name) { header in
      header.extendedAttributes = attributes
      header.modificationTime = entry.status.modificationTime
      header.modificationNanoseconds = entry.status.modificationNanoseconds
      ownership.apply(to: &header, of: entry.status)
    }
  }
}
