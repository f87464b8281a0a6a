public import ArchiveIO
import SystemPackage

extension FileTree {
  /// Makes the tree on disk, in a directory that is empty.
  public func write(to directory: OpenDirectory) throws { try Self.write(root, to: directory) }

  private static func write(_ directory: Directory, to place: OpenDirectory) throws {
    for (name, node) in directory.entries {
      switch node {
      case .directory(let directory):
        try write(directory, to: place.createDirectory(name, mode: 0o700))
        try place.setMode(directory.mode, of: name)
      case .link(let target, _): try place.createLink(name, to: target)
      case .file(let bytes, let mode): try place.createFile(name, bytes, mode: mode)
      case .copy(let file): try place.copy(file, to: name)
      }
    }
  }
}

extension OpenDirectory {
  /// Makes a file, pipe or device like another one.
  fileprivate func copy(_ file: StoredFile, to name: [UInt8]) throws {
    switch file.status.type {
    case .regular?: try createFile(name, from: file.open(), mode: file.status.mode)
    case nil: throw LayeredImageError.socket(file.path.string)
    case let type?: try createNode(name, type: type, mode: file.status.mode, device: file.status.device)
    }
  }
}
