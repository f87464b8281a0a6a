import ArchiveIO
import ImageArchive
import ImageBuild
import SystemPackage

/// A tree that scripts change as root.
enum ScriptTree: Sendable {
  /// Where the file system of an image is while scripts run.
  enum Place {
    /// On disk, with the owners, modes, devices and attributes that scripts are to see.
    case disk
    /// On disk, where all files belong to the user; what else is to be said of them is `Ownership`.
    case pretendingDisk
    /// In memory, as names.
    case memory
  }

  /// One on disk.
  case disk(DiskTree)
  /// One for a virtual machine.
  case memory(GuestTree)

  /// The file system of an image, or nothing, without these files of it and with contents on top, which `owner` owns.
  ///
  /// - Parameter scratch: an empty tree, for one on disk.
  init(
    _ image: Image?, view: FileSystemView, without removed: [[UInt8]], adding contents: FileTree,
    owner: TarOwner, at place: Place, _ scratch: ScratchTree
  ) throws {
    if place == .memory {
      self = .memory(try GuestTree(image, view: view, without: removed, adding: contents, owner: owner))
      return
    }
    var unpacked = try UnpackedImage(image, view: view, into: scratch.root, asRoot: place == .disk)
    // First, since contents may have something of the same name.
    try unpacked.remove(removed)
    try unpacked.add(contents, owner: owner)
    self = .disk(DiskTree(scratch: scratch, ownership: unpacked.ownership, image: unpacked))
  }

  /// Whether there is a directory at a path; nil when there is nothing.
  @Sendable func isDirectory(_ path: [UInt8]) -> Bool? {
    switch self {
    case .disk(let tree): tree.scratch.isDirectory(path)
    case .memory(let tree): tree.isDirectory(path)
    }
  }

  /// Makes a directory in the root, 0755 and of root, when there is nothing of that name.
  mutating func makeDirectory(_ name: String) throws {
    switch self {
    case .disk(let tree):
      let top = try OpenDirectory(tree.scratch.root)
      _ = try? top.createDirectory(Array(name.utf8), mode: 0o755)
    case .memory(var tree):
      _ = tree.makeDirectories([Array(name.utf8)])
      self = .memory(tree)
    }
  }

  /// The layer of everything that it has.
  func layer(
    packing: TreePacking, rules: PermissionRules, excluding excluded: [String]
  ) -> any TarRecipe {
    switch self {
    case .disk(let tree):
      ScratchLayer(
        tree.scratch, ownership: tree.ownership, packing: packing, rules: rules, excluding: excluded)
    case .memory(let tree): GuestLayer(tree, packing: packing, rules: rules, excluding: excluded)
    }
  }

  /// The layer of what was changed in the file system of an image.
  func changes(rules: PermissionRules, excluding excluded: [String]) throws -> ChangedLayer {
    switch self {
    case .disk(let tree):
      guard let image = tree.image else { preconditionFailure("only an image can be changed") }
      return try ChangedLayer(
        tree.scratch, of: image, ownership: tree.ownership, rules: rules, excluding: excluded)
    case .memory(let tree): return ChangedLayer(tree, rules: rules, excluding: excluded)
    }
  }
}

/// A tree on disk that scripts change as root.
struct DiskTree: Sendable {
  /// Where it is.
  let scratch: ScratchTree
  /// What is to be said of its files beside the disk: `.real` when the disk says it.
  var ownership = Ownership()
  /// What it was unpacked from; nil for one that is of no image.
  var image: UnpackedImage?
}

extension RootTask {
  /// The tree, for an executor whose trees are on disk.
  var diskTree: DiskTree {
    guard case .disk(let tree) = tree else { preconditionFailure("the tree is where the executor wants it") }
    return tree
  }

  /// What the script made of it.
  func result(_ ownership: Ownership) -> ScriptTree {
    var tree = diskTree
    tree.ownership = ownership
    return .disk(tree)
  }
}
