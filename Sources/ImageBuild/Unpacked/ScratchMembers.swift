public import ArchiveIO
import ImageArchive
public import SystemPackage

/// Everything in a tree on disk as members of a tar that keep all that is said of it: hard links, times, attributes.
///
/// Files whose content is absent come behind all others, in the order of their layers.
public final class ScratchMembers: TarMembers {
  private let walk: TreeWalk
  private let prefix: [UInt8]
  private let ownership: Ownership
  private var names: [FileIdentity: [UInt8]] = [:]
  /// Files whose content is absent, the last first.
  private var absent: [(origin: AbsentContents.Origin, header: TarHeader)] = []
  private var isWalked = false
  private var layer: (number: Int, contents: LayerContents)?

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
      func adjust(_ header: inout TarHeader) {
        header.extendedAttributes = attributes
        header.modificationTime = entry.status.modificationTime
        header.modificationNanoseconds = entry.status.modificationNanoseconds
        ownership.apply(to: &header, of: entry.status)
      }
      guard let origin = ownership.absent[entry.status.identity] else {
        return try entry.input(named: name, adjust)
      }
      absent.append((origin, try entry.header(named: name, adjust)))
    }
    return try nextAbsent()
  }

  private func nextAbsent() throws -> TarInput? {
    if !isWalked {
      isWalked = true
      absent.sort { ($0.origin.layer, $0.origin.member) > ($1.origin.layer, $1.origin.member) }
    }
    guard let (origin, header) = absent.popLast() else { return nil }
    if layer?.number != origin.layer {
      layer = (origin.layer, try ownership.absent.contents(of: origin.layer))
    }
    guard let content = try layer?.contents.file(origin.member) else { return nil }
    return TarInput(header: header, content: .source(content.source))
  }
}
