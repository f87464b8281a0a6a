public import ArchiveIO
import SystemPackage

extension FileTree {
  /// Makes the tree on disk; in a directory that has something already, that is replaced except for directories.
  public func write(to directory: OpenDirectory) throws { try Self.write(root, to: directory) }

  private static func write(_ directory: Directory, to place: OpenDirectory) throws {
    for (name, node) in directory.entries {
      let known = try? place.status(of: name).type
      switch node {
      case .directory(let directory):
        if let known, known != .directory { place.removeTree(name) }
        try write(
          directory,
          to: known == .directory ? place.directory(name) : place.createDirectory(name, mode: 0o700))
        try place.setMode(directory.mode, of: name)
      case _ where known != nil:
        place.removeTree(name)
        try write(name, node, to: place)
      default: try write(name, node, to: place)
      }
    }
  }

  private static func write(_ name: [UInt8], _ node: Node, to place: OpenDirectory) throws {
    switch node {
    case .directory: break
    case .link(let target, _): try place.createLink(name, to: target)
    case .file(let bytes, let mode): try place.createFile(name, bytes, mode: mode)
    case .copy(let file): try place.copy(file, to: name)
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
