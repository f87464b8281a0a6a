public import ArchiveIO
import ImageArchive
import SystemPackage

/// Does in a tree on disk what was done to its copy elsewhere, as a tar with OCI whiteouts tells it.
///
/// The tar may come from somebody hostile: no name leads out of the tree, and none goes through a link.
public struct ReturnedChanges {
  private static let bufferByteCount = 1 << 20

  /// What is to be said of the tree's files.
  public private(set) var ownership: Ownership
  private var directoryTimes: [[UInt8]: Int64] = [:]
  private let root: OpenDirectory
  private let copied: PAXRecord
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferByteCount, alignment: 4096)

  /// Changes `tree`, whose files belong to the user and have this ownership beside the disk, which is not `.real`.
  ///
  /// - Parameters:
  ///   - tar: the changes.
  ///   - copied: the attribute of a member that is a changed file and not a new one, so that its other names change with it.
  /// - Returns: what is to be said of the tree's files afterwards.
  /// - Throws: `TarError`, `FileSystemError`, `FileError`, what the source throws.
  public static func apply(
    _ tar: any SkippableSource, to tree: ScratchTree, ownership: Ownership, copied: PAXRecord
  ) throws -> Ownership {
    var changes = try ReturnedChanges(tree, ownership, copied)
    defer { changes.buffer.deallocate() }
    let reader = TarReader(tar)
    var number = 0
    while let member = try reader.next() {
      guard number < LayerChanges.memberLimit else { throw FileSystemError.tooLarge }
      if let change = try LayerChanges.change(of: member, number: number) {
        try changes.make(change, reader)
      }
      number += 1
    }
    try changes.setDirectoryTimes()
    return changes.ownership
  }

  private init(_ tree: ScratchTree, _ ownership: Ownership, _ copied: PAXRecord) throws {
    root = try OpenDirectory(tree.root)
    (self.ownership, self.copied) = (ownership, copied)
  }

  private func place(_ path: [UInt8]) throws -> (directory: OpenDirectory, name: [UInt8]) {
    guard !path.isEmpty else { return (root, Array(".".utf8)) }
    let (parent, name) = FileSystemPath.split(path)
    return (try root.directory(at: Array(parent)), Array(name))
  }

  private mutating func make(_ change: LayerChanges.Change, _ content: TarReader) throws {
    switch change {
    case .remove(let path):
      let (directory, name) = try place(path)
      directory.removeTree(name)
    case .empty(let path):
      let directory = try root.directory(at: path)
      for name in try directory.names() { directory.removeTree(name) }
    case .link(let path, let target, _):
      let (directory, name) = try place(path)
      let (source, file) = try place(target)
      directory.removeTree(name)
      try directory.createHardLink(name, to: file, in: source)
    case .put(let path, let entry):
      guard !path.isEmpty || entry.kind == .directory else { throw FileSystemError.rootReplaced }
      let (directory, name) = try place(path)
      try put(entry, name, in: directory, content)
      try describe(entry, name, in: directory)
      if entry.kind == .directory { directoryTimes[path] = entry.modificationTime }
    }
  }

  /// Last, since every name that comes or goes changes the time of its directory.
  private func setDirectoryTimes() throws {
    for (path, time) in directoryTimes {
      let (directory, name) = try place(path)
      if try directory.status(of: name).type == .directory {
        try directory.setModificationTime(time, of: name)
      }
    }
  }

  /// Makes the file, for its owner to read and write.
  private func put(
    _ entry: FileSystemEntry, _ name: [UInt8], in directory: OpenDirectory, _ content: TarReader
  ) throws {
    let known = try? directory.status(of: name)
    let isCopied = entry.extendedAttributes.contains { $0.name == copied.key && $0.value == copied.value }
    switch entry.kind {
    case .directory where known?.type == .directory: return
    case .file where isCopied && known?.type == .regular:
      return try directory.rewriteFile(name) { try content.copy(to: $0, through: buffer) }
    default: if known != nil { directory.removeTree(name) }
    }
    switch entry.kind {
    case .directory: _ = try directory.createDirectory(name, mode: 0o700)
    case .symbolicLink: try directory.createLink(name, to: entry.linkTarget)
    case .pipe: try directory.createNode(name, type: .fifo, mode: 0o600, device: nil)
    // What only root could make is a file that is said to be a device.
    case .characterDevice, .blockDevice: try directory.createFile(name, [], mode: 0o600)
    case .file:
      try directory.createFile(name, mode: 0o600) { try content.copy(to: $0, through: buffer) }
    }
  }

  /// Says, beside the disk, whose it is and what may be done with it.
  private mutating func describe(_ entry: FileSystemEntry, _ name: [UInt8], in directory: OpenDirectory)
    throws
  {
    let attributes = entry.extendedAttributes.filter { $0.name != copied.key }
      .map { PAXRecord(key: $0.name, value: $0.value) }
    let needed: UInt32 = entry.kind == .directory ? 0o700 : 0o600
    if entry.kind != .symbolicLink { try directory.setMode(entry.mode & 0o777 | needed, of: name) }
    let identity = try directory.status(of: name).identity
    ownership[identity] = Ownership.Entry(entry, attributes)
    ownership.absent[identity] = nil
    try directory.setModificationTime(entry.modificationTime, of: name)
  }
}

extension Ownership.Entry {
  /// What an image says of a file with these attributes.
  fileprivate init(_ entry: FileSystemEntry, _ attributes: [PAXRecord]) {
    self.init(
      type: TarType(entry.kind), mode: entry.kind == .symbolicLink ? 0o777 : entry.mode, uid: entry.userID,
      gid: entry.groupID,
      device: entry.device.map { TarDevice($0) } ?? TarDevice(major: 0, minor: 0), attributes: attributes)
  }
}
