public import ArchiveIO

extension FileTree {
  /// Makes the tree on disk, in a directory that is empty.
  public func write(to directory: OpenDirectory) throws(FileError) { try Self.write(root, to: directory) }

  private static func write(_ directory: Directory, to place: OpenDirectory) throws(FileError) {
    for (name, node) in directory.entries {
      switch node {
      case .directory(let directory):
        try write(directory, to: place.createDirectory(name, mode: 0o700))
        try place.setMode(directory.mode, of: name)
      case .link(let target, _): try place.createLink(name, to: target)
      case .file(let bytes, let mode): try place.createFile(name, bytes, mode: mode)
      }
    }
  }
}
