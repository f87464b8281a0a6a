import ImageArchive

/// What a layer has to say of a tree that was changed: which of its files are different, and what of the base is gone.
struct LayerComparison {
  /// What the layer has, with the directories on the way.
  private(set) var changed: Set<[UInt8]> = [[]]
  private(set) var whiteouts: [Whiteout] = []
  private let excluded: [[UInt8]]
  private var directories: Set<[UInt8]> = []
  private var others: Set<[UInt8]> = []

  /// Nothing yet, and never anything of these paths and what is below them.
  init(excluding excluded: [[UInt8]]) { self.excluded = excluded }

  /// Takes note of a file that is there now.
  mutating func note(_ path: [UInt8], isDirectory: Bool, isChanged: @autoclosure () throws -> Bool) rethrows {
    if isExcluded(path) { return }
    if isDirectory { directories.insert(path) } else { others.insert(path) }
    if try isChanged() { include(path) }
  }

  /// Takes note of what `base` has and is not there now, when everything is noted that is.
  mutating func noteMissing(of base: FileSystemView) {
    base.forEach { path, entry in
      let path = path.bytes
      if isExcluded(path) || directories.contains(path) || others.contains(path) { return }
      // What is in a directory that is gone is gone with it.
      let parent = Array(FileSystemPath.split(path).parent)
      guard parent.isEmpty || directories.contains(parent) else { return }
      whiteouts.append(Whiteout(path: path, isOpaque: false))
      include(parent)
    }
  }

  private mutating func include(_ path: [UInt8]) {
    var path = path
    while changed.insert(path).inserted { path = Array(FileSystemPath.split(path).parent) }
  }

  private func isExcluded(_ path: [UInt8]) -> Bool {
    excluded.contains { FileSystemPath.isInside(path, $0) }
  }
}
