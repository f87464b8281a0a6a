/// One name at which two file systems differ.
public struct FileSystemDifference: Sendable, Hashable {
  /// What can be different about something that both have.
  public enum Aspect: String, Sendable, Hashable, CaseIterable {
    case type
    case mode
    case owner
    case size
    case content
    case target
    case device
    case attributes
    case mtime
  }

  /// The name.
  public let path: FileSystemPath
  /// What the first has there; nil for what was added.
  public let first: FileSystemEntry?
  /// What the second has there; nil for what was deleted.
  public let second: FileSystemEntry?
  /// What is different, where both have something.
  public let aspects: [Aspect]
}

extension FileSystemView {
  /// Where `other` differs from this file system, a directory before what is in it, sorted by the bytes of names.
  ///
  /// Of something that was added or deleted, everything below is told, too. The root's own attributes count where both have layers
  /// that describe it.
  public func differences(from other: FileSystemView, comparingTimes: Bool) -> [FileSystemDifference] {
    var found: [FileSystemDifference] = []
    var stack: [(path: [UInt8], first: Index?, second: Index?)] = [([], Self.root, Self.root)]
    while let (path, first, second) = stack.popLast() {
      let (old, new) = (first.map { nodes[$0] }, second.map { other.nodes[$0] })
      let isRoot = path.isEmpty
      let aspects = Self.aspects(old?.entry, new?.entry, comparingTimes: comparingTimes)
      let isDescribed = !isRoot || old?.entry.origin != nil && new?.entry.origin != nil
      if old == nil || new == nil || !aspects.isEmpty && isDescribed {
        found.append(
          FileSystemDifference(
            path: FileSystemPath(path), first: old?.entry, second: new?.entry, aspects: aspects))
      }
      let names = Set(old?.children.keys.map { $0 } ?? []).union(new?.children.keys.map { $0 } ?? [])
      for name in names.sorted(by: { $1.lexicographicallyPrecedes($0) }) {
        stack.append((FileSystemPath.joined(path, name), old?.children[name], new?.children[name]))
      }
    }
    return found
  }

  private static func aspects(
    _ first: FileSystemEntry?, _ second: FileSystemEntry?, comparingTimes: Bool
  ) -> [FileSystemDifference.Aspect] {
    guard let first, let second else { return [] }
    if first.kind != second.kind { return [.type] }
    var aspects: [FileSystemDifference.Aspect] = []
    // Nobody looks at the permissions of a symbolic link.
    if first.mode != second.mode, first.kind != .symbolicLink { aspects.append(.mode) }
    if (first.userID, first.groupID) != (second.userID, second.groupID) { aspects.append(.owner) }
    if first.byteCount != second.byteCount { aspects.append(.size) }
    if first.contentDigest != second.contentDigest { aspects.append(.content) }
    if first.linkTarget != second.linkTarget { aspects.append(.target) }
    if first.device != second.device { aspects.append(.device) }
    if first.extendedAttributes != second.extendedAttributes { aspects.append(.attributes) }
    if comparingTimes, first.modificationTime != second.modificationTime { aspects.append(.mtime) }
    return aspects
  }
}
