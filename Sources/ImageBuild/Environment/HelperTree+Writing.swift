import ArchiveIO
public import SystemPackage

extension HelperTree {
  /// Makes the tree in a directory, which is empty.
  public func write(into directory: FilePath) throws {
    var tree = FileTree()
    for entry in entries { tree.put(entry.content.node, at: entry.path) }
    try tree.write(to: OpenDirectory(directory))
  }
}

extension HelperTree.Content {
  /// The same in the tree of an image.
  var node: FileTree.Node {
    switch self {
    case .directory: .directory(FileTree.Directory())
    case .file(let bytes, let mode): .file(bytes, mode: UInt32(mode))
    case .link(let target): .link(target: Array(target.utf8), source: nil)
    }
  }
}
