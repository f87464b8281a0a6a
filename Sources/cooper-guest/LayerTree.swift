import FileTrees
import Glibc
import MachineProtocol
import SystemPackage

/// A tree of files that layers are unpacked into, one on top of the other, with their whiteouts applied.
///
/// It is the kernel that says what comes of that. The rules are those of image-spec, "Layers", and where it is silent Docker's: a whiteout removes
/// what lower layers have and never what its own layer puts; a directory over a directory keeps what is in it; anything else replaces what was
/// there; symbolic links among the directories of a name are followed inside the tree.
final class LayerTree {
  /// As many as Linux follows.
  private static let linkLimit = 40
  private static let root = "\(Scratch.root)/tree"
  /// A directory beside the tree, for names that have no place there yet.
  private static let staging = "\(Scratch.root)/staging"

  /// An open directory of the tree.
  private struct Found {
    let directory: OpenDirectory
    let identity: FileIdentity

    init(_ directory: OpenDirectory) throws {
      self.directory = directory
      identity = try directory.status(of: []).identity
    }

    /// What is there under that name; nil for nothing.
    func status(of name: [UInt8]) throws -> FileStatus? {
      do { return try directory.status(of: name) } catch  where error.errno == .noSuchFileOrDirectory {
        return nil
      }
    }
  }

  /// A name in a directory.
  private struct Place: Hashable {
    let directory: FileIdentity
    let name: [UInt8]
  }

  private let keepsTimes: Bool
  private let root: Found
  private let staging: OpenDirectory
  /// What the current layer has put.
  private var placed: Set<Place> = []
  /// The times of directories as layers say them: every name that comes or goes changes that of the file system.
  private var times: [FileIdentity: Int64] = [:]
  /// Where the last member was put.
  private var current: (path: [UInt8], found: Found)?

  /// An empty tree on the scratch disk; with `keepsTimes` a time that the disk cannot hold is an error.
  init(keepingTimes keepsTimes: Bool) throws {
    self.keepsTimes = keepsTimes
    for directory in [Self.root, Self.staging] {
      guard mkdir(directory, 0o755) == 0 else { throw GuestFailure("cannot create \(directory)") }
    }
    root = try Found(OpenDirectory(FilePath(Self.root)))
    staging = try OpenDirectory(FilePath(Self.staging))
  }

  /// Unpacks a tar on top of what is there.
  ///
  /// - Throws: `FileError` with paths of the image, `GuestFailure`, `TarError`, `LayerNameError`.
  func unpack(_ layer: any ByteSource) throws {
    placed = []
    let reader = TarReader(BufferedSource(layer))
    do {
      while let member = try reader.next() { try add(member, reader) }
    } catch let error as FileError where error.path.hasPrefix(Self.root) {
      throw FileError(error.operation, String(error.path.dropFirst(Self.root.count)), error.errno)
    }
  }

  /// Everything in it.
  func members() throws -> TreeMembers { try TreeMembers(FilePath(Self.root), directoryTimes: times) }

  // MARK: Members

  private func add(_ member: TarMember, _ content: TarReader) throws {
    switch try LayerName(member.name) {
    case .reserved: return
    case .removal(let path):
      let (parent, name) = LayerName.split(path)
      if let found = try directory(at: Array(parent), isMade: false) {
        try removeLower(Array(name), in: found)
      }
    case .opaque(let path):
      guard let found = try directory(at: path, isMade: false) else { return }
      for name in try found.directory.names() { try removeLower(name, in: found) }
    case .file(let path) where member.isHardLink: try link(path, to: LayerName.path(member.linkName))
    case .file(let path): try put(member, content, at: path)
    }
  }

  private func put(_ member: TarMember, _ content: TarReader, at path: [UInt8]) throws {
    let facts = try FileFacts(member)
    guard !path.isEmpty else {
      guard facts.type == .directory else {
        throw GuestFailure(because: "a layer puts something else in the place of the root directory")
      }
      return try describe(Array(".".utf8), in: root, facts)
    }
    let (parent, last) = LayerName.split(path)
    let (found, name) = (try madeDirectory(at: Array(parent)), Array(last))
    let known = try found.status(of: name)
    if facts.type != .directory || known?.type != .directory {
      if known != nil { try remove(name, in: found) }
      try make(name, in: found.directory, facts, content)
    }
    try describe(name, in: found, facts)
    // The kernel takes the nearest time that the disk can hold, without a word; a directory's is kept here.
    if keepsTimes, facts.type != .directory, try found.status(of: name)?.modificationTime != facts.time {
      throw GuestFailure(
        because: "the time of \(path.quoted), \(facts.time) seconds after 1970, is none that ext4 can hold")
    }
    placed.insert(Place(directory: found.identity, name: name))
  }

  private func link(_ path: [UInt8], to target: [UInt8]) throws {
    guard path != target else { return }
    let (above, file) = LayerName.split(target)
    guard let source = try directory(at: Array(above), isMade: false),
      let status = try source.status(of: Array(file)), status.type != .directory
    else {
      throw GuestFailure(
        because: "the hard link \(path.quoted) leads to \(target.quoted), which is no file of the image")
    }
    // Held there while what is in the way of the new name goes, which may be the old name.
    let held = Array("link".utf8)
    try staging.createHardLink(held, to: Array(file), in: source.directory)
    defer { staging.removeTree(held) }
    let (parent, last) = LayerName.split(path)
    let (found, name) = (try madeDirectory(at: Array(parent)), Array(last))
    if try found.status(of: name) != nil { try remove(name, in: found) }
    try found.directory.createHardLink(name, to: held, in: staging)
    placed.insert(Place(directory: found.identity, name: name))
  }

  private func make(
    _ name: [UInt8], in directory: OpenDirectory, _ facts: FileFacts, _ content: TarReader
  ) throws {
    switch facts.type {
    case .directory: _ = try directory.createDirectory(name, mode: 0o700)
    case .symbolicLink: try directory.createLink(name, to: facts.linkTarget)
    case .characterDevice, .blockDevice, .fifo:
      try directory.createNode(name, type: facts.type, mode: 0o600, device: facts.device)
    default: try directory.createFile(name, from: content, mode: 0o600)
    }
  }

  /// Says whose it is and what may be done with it, whatever it has from the directory that it is in.
  ///
  /// In this order: a new owner takes set-id bits and capabilities away, and access control lists change the mode.
  private func describe(_ name: [UInt8], in found: Found, _ facts: FileFacts) throws {
    let directory = found.directory
    try directory.setOwner(uid: facts.userID, gid: facts.groupID, of: name)
    try directory.setExtendedAttributes(facts.attributes, of: name)
    if facts.type != .symbolicLink { try directory.setMode(facts.mode, of: name) }
    if facts.type == .directory {
      times[try directory.status(of: name).identity] = facts.time
    } else {
      try directory.setModificationTime(facts.time, of: name)
    }
  }

  // MARK: Removing

  private func remove(_ name: [UInt8], in found: Found) throws {
    current = nil
    found.directory.removeTree(name)
    if try found.status(of: name) != nil {
      throw GuestFailure(because: "cannot remove \(name.quoted)")
    }
  }

  /// Removes what lower layers have under that name; what this layer has put there stays, with the directories above it.
  private func removeLower(_ name: [UInt8], in found: Found) throws {
    guard let status = try found.status(of: name) else { return }
    let isDirectory = status.type == .directory
    if isDirectory {
      let inner = try Found(found.directory.directory(name))
      for name in try inner.directory.names() { try removeLower(name, in: inner) }
    }
    if placed.contains(Place(directory: found.identity, name: name)) { return }
    current = nil
    if isDirectory, !found.directory.removeEmptyDirectory(name) {
      try describe(name, in: found, .implicitDirectory)
      placed.insert(Place(directory: found.identity, name: name))
    } else if !isDirectory {
      try remove(name, in: found)
    }
  }

  // MARK: Directories

  private func madeDirectory(at path: [UInt8]) throws -> Found {
    guard let found = try directory(at: path, isMade: true) else {
      preconditionFailure("a directory that is missing is made")
    }
    return found
  }

  /// The directory at `path`, through symbolic links; when it is not there it is made, in the place of files that are in the way, or else nil.
  private func directory(at path: [UInt8], isMade: Bool) throws -> Found? {
    if let current, current.path == path { return current.found }
    var rest = Self.parts(path)
    var found = root
    var links = 0
    while let name = rest.popLast() {
      if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) && found.identity == root.identity {
        continue
      }
      let status = try found.status(of: name)
      switch status?.type {
      case .directory: found = try Found(found.directory.directory(name))
      case .symbolicLink:
        links += 1
        guard links <= Self.linkLimit else {
          throw GuestFailure(because: "symbolic links on the way to \(path.quoted) lead in a circle")
        }
        let target = try found.directory.target(of: name, byteCount: status?.byteCount ?? 0)
        if target.first == UInt8(ascii: "/") { found = root }
        rest += Self.parts(target)
      default:
        guard isMade else { return nil }
        if status != nil { try remove(name, in: found) }
        _ = try found.directory.createDirectory(name, mode: 0o700)
        try describe(name, in: found, .implicitDirectory)
        placed.insert(Place(directory: found.identity, name: name))
        found = try Found(found.directory.directory(name))
      }
    }
    current = (path, found)
    return found
  }

  /// The names of a path, the first one last.
  private static func parts(_ path: [UInt8]) -> [[UInt8]] {
    path.split(separator: UInt8(ascii: "/")).reversed().map(Array.init)
  }
}
