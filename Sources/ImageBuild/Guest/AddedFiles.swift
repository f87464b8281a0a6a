import ArchiveIO
import ImageArchive
import SystemPackage

/// Files that are put on top of an image, as a layer of names.
struct AddedFiles {
  private(set) var layer = LayerChanges()
  /// The files by their numbers in the layer.
  private(set) var nodes: [FileTree.Node] = []

  /// Removes files of the image.
  mutating func remove(_ paths: [[UInt8]]) { layer.changes += paths.map { .remove(path: $0) } }

  private mutating func put(_ node: FileTree.Node, _ entry: FileSystemEntry, at path: [UInt8]) {
    var entry = entry
    entry.origin = .init(layer: 0, member: nodes.count)
    layer.changes.append(.put(path: path, entry))
    nodes.append(node)
  }

  /// A tree, owned by `owner`.
  mutating func add(_ tree: FileTree, owner: TarOwner) { add(.directory(tree.root), at: [], owner: owner) }

  private mutating func add(_ node: FileTree.Node, at path: [UInt8], owner: TarOwner) {
    var entry: FileSystemEntry
    switch node {
    case .directory(let directory): entry = FileSystemEntry(kind: .directory, mode: directory.mode)
    case .link(let target, _):
      entry = FileSystemEntry(kind: .symbolicLink, mode: 0o777)
      entry.linkTarget = target
    case .file(let bytes, let mode):
      entry = FileSystemEntry(kind: .file, mode: mode)
      entry.byteCount = Int64(bytes.count)
    case .copy(let file): entry = FileSystemEntry(file.status)
    }
    (entry.userID, entry.groupID) = (owner.uid, owner.gid)
    entry.modificationTime = TreePacking.time
    put(node, entry, at: path)
    guard case .directory(let directory) = node else { return }
    for (name, child) in directory.entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      add(child, at: FileSystemPath.joined(path, name), owner: owner)
    }
  }

  /// Everything in a directory of this machine, with its hard links.
  mutating func add(_ tree: ScratchTree) throws {
    var names: [FileIdentity: [UInt8]] = [:]
    let walk = try TreeWalk(tree.root.appending("."), order: .bytes)
    while let file = try walk.next() {
      guard file.status.type != nil else { throw LayeredImageError.socket(file.description) }
      if file.status.type != .directory, file.status.linkCount > 1 {
        if let first = names[file.status.identity] {
          layer.changes.append(.link(path: file.path, target: first, member: nodes.count))
          continue
        }
        names[file.status.identity] = file.path
      }
      var entry = FileSystemEntry(file.status)
      entry.linkTarget = file.linkTarget
      let place = FilePath(platformBytes: tree.root.platformBytes + [UInt8(ascii: "/")] + file.path)
      put(.copy(StoredFile(path: place, status: file.status)), entry, at: file.path)
    }
  }
}

extension FileSystemEntry {
  /// A file of this machine, which belongs to root; it is no socket.
  fileprivate init(_ status: FileStatus) {
    let kind = status.type.flatMap { Kind(tarType: $0.rawValue) } ?? .file
    self.init(kind: kind, mode: status.type == .symbolicLink ? 0o777 : status.mode)
    modificationTime = status.modificationTime
    byteCount = kind == .file ? status.byteCount : 0
    device = status.device.map { DeviceNumber(major: Int64($0.major), minor: Int64($0.minor)) }
  }
}
