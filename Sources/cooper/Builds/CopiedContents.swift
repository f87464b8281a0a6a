import ArchiveIO
import ImageBuild
import NixStore
import SystemPackage

/// What `copyToRoot` of a spec stands for: copies of directories, in one tree.
struct CopiedContents {
  /// The tree of the layer.
  var tree: FileTree
  /// What several items have, and not alike.
  private(set) var conflicts: [ContentsConflict]
  /// The store paths that were copied from.
  let storePaths: [StorePath]

  init(_ spec: ImageSpec, storeDirectory: String, root: String) throws {
    var copy = CopiedTree(
      storeDirectory: storeDirectory, root: root, keepsLinks: spec.keepContentsDirlinks)
    var items: Set<StorePath> = []
    for item in spec.contents {
      switch item {
      case .path(let path):
        try copy.add(path)
        if path.string.hasPrefix(storeDirectory + "/") {
          items.insert(try StorePath.locate(path.string, storeDirectory: storeDirectory).storePath)
        }
      case .helper(let name, let path):
        let tree = try name.tree(path: path?.string, storeDirectory: storeDirectory) {
          try UserFile.contents(of: $0)
        }
        try copy.add(tree, named: "helper:\(name)")
      }
    }
    tree = copy.tree
    // As nixpkgs' `chmod ug+w`: commands have to write there.
    tree.root.mode |= 0o220
    conflicts = copy.conflicts
    storePaths = items.sorted()
  }

  /// Whether there is anything that a link of the base image could lead elsewhere.
  var hasDirectories: Bool { tree.hasDirectories }

  /// Puts what is in directories that the base image has behind links where those lead.
  mutating func place(behind links: DirectoryLinks) throws {
    let placed = try tree.placed(behind: links)
    tree = placed.tree
    conflicts += placed.conflicts
  }
}
