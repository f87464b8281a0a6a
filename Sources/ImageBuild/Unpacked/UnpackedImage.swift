public import ArchiveIO
import Glibc
public import ImageArchive
import OCIModel
public import SystemPackage

/// The file system of an image as files on disk that scripts may change, and what they looked like before.
///
/// Everything belongs to the user; whose it is in the image is kept apart.
public struct UnpackedImage: Sendable {
  /// What there was before anybody changed it.
  let view: FileSystemView
  /// What is pretended of files before scripts run.
  public private(set) var ownership: Ownership
  /// How each file looked, by its path.
  private(set) var snapshots: [[UInt8]: Snapshot] = [:]
  private let root: FilePath

  /// What shows that a file was changed.
  struct Snapshot: Hashable {
    /// What is pretended of it, or what the disk says.
    var ownership: Ownership.Entry
    /// Nil for a directory: one that is made anew may or may not have the number of the old one, and when it changes is told by what is in it.
    var identity: FileIdentity?
    var changeTime: Int64 = 0
    /// Whether it was given what it had.
    var isTouched = false

    init(_ entry: TreeWalk.Entry, _ ownership: Ownership) throws {
      let status = entry.status
      self.ownership = ownership.effective(status)
      if status.type == .directory {
        if ownership.trustsDisk { self.ownership.attributes = try entry.extendedAttributes() }
        return
      }
      identity = status.identity
      changeTime = status.changeTime
      isTouched = ownership.touched.contains(status.identity)
    }
  }

  /// Unpacks an image, or nothing, into the directory `root`, which is empty.
  ///
  /// With `asRoot` files get their owners, modes, devices and extended attributes; otherwise these are what `ownership` says.
  ///
  /// - Throws: `LayerError`, `FileSystemError`, `FileError`.
  public init(_ image: Image?, view: FileSystemView, into root: FilePath, asRoot: Bool) throws {
    self.view = view
    ownership = asRoot ? .real : Ownership()
    self.root = root
    let unpacking = Unpacking(try OpenDirectory(root), asRoot: asRoot)
    try unpacking.makeAll(of: view)
    if let image { try Self.fill(unpacking.files, of: image, in: root) }
    try unpacking.finish(view)
  }

  /// Makes the files of all layers, several layers at a time and the largest first.
  private static func fill(_ files: [Int: [Unpacking.File]], of image: Image, in root: FilePath) throws {
    let layers = image.layers
    let parts = files.filter { layers.indices.contains($0.key) }.sorted { first, second in
      layers[first.key].descriptor.byteCount > layers[second.key].descriptor.byteCount
    }
    try Thread.forEach(parts) { part in
      try LayerUnpacking(OpenDirectory(root)).fill(
        part.value, from: LayerContents(of: image, layer: part.key))
    }
  }

  /// Puts contents on top, owned by `owner`, and takes note of what everything else looks like.
  public mutating func add(_ tree: FileTree, owner: TarOwner) throws {
    let directory = try OpenDirectory(root)
    try tree.write(to: directory)
    try directory.setMode(tree.root.mode, of: Array(".".utf8))
    let walk = try TreeWalk(root.appending("."), order: .bytes)
    while let entry = try walk.next() {
      let isOfContents = entry.path.isEmpty || tree[entry.path] != nil
      if !ownership.trustsDisk {
        note(entry.status, isOfContents ? nil : try view.entry(at: FileSystemPath(entry.path)), owner)
      } else if isOfContents {
        try own(entry, owner)
      }
      if !isOfContents { snapshots[entry.path] = try Snapshot(entry, ownership) }
    }
  }

  /// Gives a file of the contents its owner, and after that its mode, which may have set-id bits.
  private func own(_ entry: TreeWalk.Entry, _ owner: TarOwner) throws {
    try entry.change { directory, name in
      try directory.setOwner(uid: owner.uid, gid: owner.gid, of: name)
      if entry.status.type != .symbolicLink { try directory.setMode(entry.status.mode, of: name) }
    }
  }

  /// Removes files of the base, as a script would.
  public func remove(_ paths: [[UInt8]]) throws {
    for path in paths {
      let (parent, name) = FileSystemPath.split(path)
      try OpenDirectory(root).directory(at: parent).removeTree(Array(name))
    }
  }

  /// Keeps what a file on disk cannot show: what the base says of it, or for one of the contents its owner.
  private mutating func note(_ status: FileStatus, _ known: FileSystemEntry?, _ owner: TarOwner) {
    let shown = Ownership.Entry(status, trusted: false)
    var entry = shown
    (entry.uid, entry.gid) = (owner.uid, owner.gid)
    if let known {
      (entry.mode, entry.uid, entry.gid) = (known.mode, known.userID, known.groupID)
      if let numbers = known.device {
        entry.type = known.kind == .characterDevice ? .characterDevice : .blockDevice
        entry.device = TarDevice(numbers)
      }
      entry.attributes = known.extendedAttributes.map { PAXRecord(key: $0.name, value: $0.value) }
    }
    if status.type == .symbolicLink { entry.mode = 0o777 }
    if entry != shown { ownership[status.identity] = entry }
    ownership.keepSetIDBits(of: status)
  }
}

/// Makes files as they are in an image, but for those with content.
private final class Unpacking {
  /// A file of the image, and its names, of which there is one at least.
  struct File: Sendable {
    var member: Int
    var entry: FileSystemEntry
    var paths: [[UInt8]]
  }

  /// What content is needed for, by layer.
  private(set) var files: [Int: [File]] = [:]
  private var positions: [FileSystemEntry.Origin: (layer: Int, index: Int)] = [:]
  /// A name of each of those that have no content.
  private var names: [FileSystemEntry.Origin: [UInt8]] = [:]
  private let places: UnpackedPlaces
  private let isRoot: Bool

  init(_ root: OpenDirectory, asRoot: Bool) {
    places = UnpackedPlaces(root)
    isRoot = asRoot
  }

  /// Makes everything that has no content.
  func makeAll(of view: FileSystemView) throws {
    try view.forEach { path, entry in
      switch entry.kind {
      case .directory:
        _ = try places.at(path.bytes) { try $0.createDirectory($1, mode: entry.mode & 0o777 | 0o700) }
      case .file: add(path.bytes, entry)
      case .symbolicLink, .pipe, .characterDevice, .blockDevice:
        if let origin = entry.origin, let first = names.updateValue(path.bytes, forKey: origin) {
          try places.link(path.bytes, to: first)
        } else {
          try places.at(path.bytes) { try make(entry, $1, in: $0) }
        }
      }
    }
    for layer in files.keys { files[layer]?.sort { $0.member < $1.member } }
    (positions, names) = ([:], [:])
  }

  /// Makes what is neither a directory nor has content.
  private func make(_ entry: FileSystemEntry, _ name: [UInt8], in directory: OpenDirectory) throws {
    switch entry.kind {
    case .symbolicLink: try directory.createLink(name, to: entry.linkTarget)
    case .pipe: try directory.createNode(name, type: .fifo, mode: entry.mode | 0o600, device: nil)
    case _ where isRoot:
      try directory.createNode(
        name, type: TarType(entry.kind), mode: 0o600, device: entry.device.map(TarDevice.init))
    // What only root could make is a file that is said to be a device.
    default: try directory.createFile(name, [], mode: 0o600)
    }
  }

  /// Gives everything its owner, mode and attributes, when everything is there: a directory might forbid to make something in it.
  func finish(_ view: FileSystemView) throws {
    guard isRoot else { return }
    try view.forEach { path, entry in
      try places.at(path.bytes) { directory, name in
        try directory.setOwner(uid: entry.userID, gid: entry.groupID, of: name)
        if entry.kind != .symbolicLink { try directory.setMode(entry.mode, of: name) }
        for attribute in entry.extendedAttributes {
          try directory.setExtendedAttribute(PAXRecord(key: attribute.name, value: attribute.value), of: name)
        }
      }
    }
  }

  private func add(_ path: [UInt8], _ entry: FileSystemEntry) {
    let origin = entry.origin ?? .init(layer: -1, member: 0)
    if let (layer, index) = positions[origin] {
      files[layer]?[index].paths.append(path)
    } else {
      let file = File(member: origin.member, entry: entry, paths: [path])
      files[origin.layer, default: []].append(file)
      positions[origin] = (origin.layer, (files[origin.layer]?.count ?? 1) - 1)
    }
  }
}

/// Makes the files of one layer, in directories that are there.
private final class LayerUnpacking {
  private let places: UnpackedPlaces

  init(_ root: OpenDirectory) { places = UnpackedPlaces(root) }

  func fill(_ files: [Unpacking.File], from layer: LayerContents) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    var rest = files[...]
    try layer.forEach(of: files.map(\.member)) { _, content in
      guard let file = rest.popFirst() else { return }
      try make(file) { descriptor in
        var left = file.entry.byteCount
        while left > 0 {
          let piece = UnsafeMutableRawBufferPointer(
            rebasing: buffer.prefix(Int(min(left, Int64(buffer.count)))))
          try content.read(exactly: piece)
          try descriptor.writeAll(UnsafeRawBufferPointer(piece))
          left -= Int64(piece.count)
        }
      }
    }
  }

  /// Makes a file under all its names.
  private func make(_ file: Unpacking.File, _ write: (FileDescriptor) throws -> Void) throws {
    let first = file.paths[0]
    try places.at(first) { directory, name in
      try directory.createFile(name, mode: file.entry.mode & 0o777 | 0o600, write: write)
      // Python and others compare such times with what they have noted elsewhere.
      try directory.setModificationTime(file.entry.modificationTime, of: name)
    }
    for path in file.paths.dropFirst() { try places.link(path, to: first) }
  }
}

/// Where files go; what follows something in the same directory finds it open.
private final class UnpackedPlaces {
  private let root: OpenDirectory
  private var current: (path: [UInt8], directory: OpenDirectory)

  init(_ root: OpenDirectory) { (self.root, current) = (root, ([], root)) }

  func at<Value>(_ path: [UInt8], _ body: (OpenDirectory, [UInt8]) throws -> Value) throws -> Value {
    let (parent, name) = FileSystemPath.split(path)
    return try body(directory(Array(parent)), Array(name))
  }

  /// Makes another name of a file.
  func link(_ path: [UInt8], to file: [UInt8]) throws {
    let (parent, name) = FileSystemPath.split(file)
    let source = try directory(Array(parent))
    try at(path) { try $0.createHardLink($1, to: Array(name), in: source) }
  }

  /// Opens a directory by its names one by one; none of them is a link, for a view has none among its directories.
  func directory(_ path: [UInt8]) throws -> OpenDirectory {
    if current.path == path { return current.directory }
    current = (path, try root.directory(at: path))
    return current.directory
  }
}
