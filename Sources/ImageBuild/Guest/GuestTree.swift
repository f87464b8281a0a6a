public import ArchiveIO
public import ImageArchive

/// The file system of an image for scripts in a virtual machine, and then what they made of it: nothing of it is on this machine's disk.
///
/// What it has are names; the content of files stays where it is, which is in layers: those of the image, one of what is put on top, and one
/// more for each tar of changes that comes back. Whose content is of another layer than before is another file.
public struct GuestTree: Sendable {
  /// What the image had.
  private let base: FileSystemView
  /// What there is now.
  private var view: FileSystemView
  /// What there was before scripts ran.
  private let before: FileSystemView
  private(set) var contents: GuestContents

  /// The file system of an image, or nothing, without these files of it and with contents on top, which `owner` owns.
  ///
  /// - Throws: `FileSystemError`.
  public init(
    _ image: Image?, view base: FileSystemView, without removed: [[UInt8]], adding tree: FileTree,
    owner: TarOwner
  ) throws {
    var files = AddedFiles()
    // First, since contents may have something of the same name.
    files.remove(removed)
    files.add(tree, owner: owner)
    try self.init(files, on: base, GuestContents(of: image))
  }

  /// What is in a directory of this machine, which belongs to root there.
  ///
  /// - Throws: `FileError`, `LayeredImageError.socket`, `FileSystemError`.
  public init(_ tree: ScratchTree) throws {
    var files = AddedFiles()
    try files.add(tree)
    try self.init(files, on: FileSystemView(), GuestContents(with: tree))
  }

  private init(_ files: AddedFiles, on base: FileSystemView, _ contents: GuestContents) throws {
    var (view, contents) = (base, contents)
    try view.apply(files.layer, number: contents.append(.files(files.nodes)))
    (self.base, self.view, before, self.contents) = (base, view, view, contents)
  }

  // MARK: Names

  /// Everything, the root included, a directory before what is in it, sorted by the bytes of names.
  func forEach(_ body: (_ path: [UInt8], FileSystemEntry) -> Void) {
    // The root itself is always found.
    let root = try? view.entry(at: FileSystemPath([]))
    body([], (root ?? nil) ?? .implicitDirectory)
    view.forEach { path, entry in body(path.bytes, entry) }
  }

  /// Whether there is a directory at a path; nil when there is nothing.
  @Sendable public func isDirectory(_ path: [UInt8]) -> Bool? {
    // Links in a circle lead to nothing.
    (try? view.entry(at: FileSystemPath(path)))?.map { $0.kind == .directory }
  }

  /// Makes directories, for something to be mounted there, and gives those that had to be made, the outer ones first.
  public mutating func makeDirectories(_ paths: [[UInt8]]) -> [FileSystemPath] {
    paths.flatMap { view.makeDirectories(at: FileSystemPath($0)) }
  }

  /// Removes directories that nothing was put in, the inner ones first.
  public mutating func removeEmptyDirectories(_ paths: some Sequence<FileSystemPath>) {
    for path in paths { view.removeEmptyDirectory(at: path) }
  }

  // MARK: Changes

  /// Does what was done to a copy elsewhere, as a tar with OCI whiteouts tells it.
  ///
  /// The tar may come from somebody hostile: its names lead nowhere but into the tree.
  ///
  /// - Parameter tar: the changes, where the contents of files are still read from when this is a layer.
  /// - Throws: `TarError`, `FileSystemError`, `FileError`.
  public mutating func apply(_ tar: FileRange) throws {
    var places: [Int64] = []
    let layer = try LayerChanges(tar.open(), hashingContents: false) { places.append($0.contentOffset) }
    try Self.checkLinks(in: layer)
    try view.apply(layer, number: contents.append(.tar(tar, contentOffsets: places)))
  }

  /// All names of a file come with it: a link to one of another layer would need its content.
  private static func checkLinks(in layer: LayerChanges) throws(FileSystemError) {
    var names: Set<[UInt8]> = []
    for change in layer.changes {
      switch change {
      case .put(let path, _): names.insert(path)
      case .link(let path, let target, _):
        guard names.contains(target) else {
          throw .brokenLink(FileSystemPath(path), target: FileSystemPath(target))
        }
        names.insert(path)
      case .remove, .empty: break
      }
    }
  }

  /// What is different from before, and what of the image is gone; nothing is said of excluded paths.
  func comparison(excluding excluded: [[UInt8]]) -> LayerComparison {
    var known: [[UInt8]: FileSystemEntry] = [:]
    before.forEach { path, entry in
      // What was put on top belongs to the layer whether it is changed or not.
      if entry.origin.map(contents.isOfImage) ?? true { known[path.bytes] = entry }
    }
    var comparison = LayerComparison(excluding: excluded)
    view.forEach { path, entry in
      let isSame = known[path.bytes]?.isSame(as: entry) ?? false
      comparison.note(path.bytes, isDirectory: entry.kind == .directory, isChanged: !isSame)
    }
    comparison.noteMissing(of: base)
    return comparison
  }
}

extension FileSystemEntry {
  /// Whether it is the file that it was before; of a directory only what is told of it counts.
  fileprivate func isSame(as now: FileSystemEntry) -> Bool {
    guard kind == .directory, now.kind == .directory else { return origin == now.origin }
    return (mode, userID, groupID) == (now.mode, now.userID, now.groupID)
      && extendedAttributes == now.extendedAttributes
  }
}
