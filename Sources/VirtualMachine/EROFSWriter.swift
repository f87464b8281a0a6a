public import ArchiveIO

/// Writes a read-only, uncompressed EROFS image that any Linux from 5.4 on mounts (vm-executor.md, section 4.1).
///
/// Everything that a file system can say of a file is exact: owners up to 2^32 − 2, times to the nanosecond, all modes, extended attributes, hard
/// links, devices, names of any bytes. The same entries in the same order give the same bytes. Contents are streamed; memory is needed for names
/// and directories only. Long runs of zeros become holes of the image's file.
public final class EROFSWriter {
  /// The shortest run of zeros that is left out of the file: shorter ones cost more as holes.
  private static let shortestHole = 1 << 16

  private let writer: BlockWriter
  private var tree: EROFSTree?
  private var metadata = EROFSMetadata()
  private var inodeCount: UInt32 = 0
  private let zeros = [UInt8](repeating: 0, count: EROFSFormat.blockSize)

  /// A writer to a file of nothing, which may be one long hole.
  public init(_ file: DirectFile) {
    writer = BlockWriter(file, pool: BlockPool(blockSize: 1 << 20, limit: 4))
  }

  // MARK: Entries

  /// Adds all members, as `add` does one.
  public func add(_ members: any TarMembers) throws {
    while let input = try members.next() { try add(input) }
  }

  /// Adds an entry as a member of a tar names it: `./a/b`, or `a/b/`.
  ///
  /// The root comes first, and is 0755 and of 0:0 when it does not come; so is a directory that nothing is said of. Apart from that the order is
  /// free: a hard link may come before its file, and a file before its directory.
  ///
  /// - Throws: `EROFSError` for what the format cannot hold; `FileChanged`, `FileError`, what reading the content throws.
  public func add(_ input: TarInput) throws {
    let header = input.header
    let path = try Self.parts(of: header.name)
    switch header.type {
    case .directory:
      if tree == nil, path.isEmpty { return try begin(inode(header, path: []), isImplicit: false) }
      guard !path.isEmpty else { throw EROFSError.rootNotFirst }
      try beginIfNeeded()
      try tree?.addDirectory(path, inode(header, path: path))
    case .hardLink:
      try beginIfNeeded()
      guard !path.isEmpty else { throw EROFSError.rootNotFirst }
      tree?.addLink(path, to: try Self.parts(of: header.linkName))
    case .regular, .symbolicLink, .characterDevice, .blockDevice, .fifo:
      try beginIfNeeded()
      guard !path.isEmpty else { throw EROFSError.rootNotFirst }
      tree?.add(path, type: header.type, inode: try write(input, inode(header, path: path)))
    case .extendedHeader, .gnuLongLink, .gnuLongName:
      throw EROFSError.badType(header.name, type: header.type.rawValue)
    }
  }

  private static func parts(of name: [UInt8]) throws(EROFSError) -> [[UInt8]] {
    guard name.first != UInt8(ascii: "/") else { throw .badName(name, reason: "it is absolute") }
    let parts = name.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
    for part in parts {
      if part.elementsEqual("..".utf8) { throw .badName(name, reason: "it has .. in it") }
      if part.count > 255 { throw .badName(name, reason: "a part of it has more than 255 bytes") }
      if part.contains(0) { throw .badName(name, reason: "it has a NUL in it") }
    }
    return parts.map(Array.init)
  }

  private func inode(_ header: TarHeader, path: [[UInt8]]) throws(EROFSError) -> EROFSInode {
    let name = header.name
    func number(_ field: String, _ value: Int64) throws(EROFSError) -> UInt32 {
      guard let number = UInt32(exactly: value) else { throw .number(name, field: field, value: value) }
      return number
    }
    inodeCount += 1
    return EROFSInode(
      mode: header.type.fileMode | header.mode & 0o7777, layout: .plain, byteCount: 0,
      place: try header.device.map { device throws(EROFSError) in try Self.number(of: device, name) } ?? 0,
      number: inodeCount, linkCount: 1,
      owner: (try number("user's number", header.owner.uid), try number("group's number", header.owner.gid)),
      time: (header.modificationTime, header.modificationNanoseconds),
      attributes: try EROFSAttributes.bytes(header.extendedAttributes, of: name))
  }

  /// A device's number as the kernel keeps it: 12 bits for the driver, 20 for the device.
  private static func number(of device: TarDevice, _ name: [UInt8]) throws(EROFSError) -> UInt32 {
    guard device.major < 1 << 12 else {
      throw .number(name, field: "major device number", value: Int64(device.major))
    }
    guard device.minor < 1 << 20 else {
      throw .number(name, field: "minor device number", value: Int64(device.minor))
    }
    return device.minor & 0xFF | device.major << 8 | (device.minor & ~0xFF) << 12
  }

  // MARK: Contents

  private func beginIfNeeded() throws {
    if tree == nil { try begin(.implicitDirectory, isImplicit: true) }
  }

  /// Leaves room for the superblock and, behind it, for the root, whose number must be a small one.
  private func begin(_ root: EROFSInode, isImplicit: Bool) throws {
    tree = EROFSTree(root: root, isImplicit: isImplicit)
    try writer.append(zeros)
    for _ in stride(from: 0, to: root.size, by: EROFSFormat.blockSize) { try writer.append(zeros) }
  }

  /// Writes content and inode, and gives the place of the latter.
  private func write(_ input: TarInput, _ inode: EROFSInode) throws -> Int {
    let source: any ByteSource =
      switch input.content {
      case .none: ArraySource(input.header.type == .symbolicLink ? input.header.linkName : [])
      case .bytes(let bytes): ArraySource(bytes)
      case .file(let file): file
      case .source(let source): source
      }
    var inode = inode
    switch input.header.type {
    case .regular: inode.byteCount = input.header.byteCount
    case .symbolicLink: inode.byteCount = Int64(input.header.linkName.count)
    default: return try place(inode, tail: [])
    }
    let content = Content(source: source, name: input.header.name)
    let rest = Int(inode.byteCount % Int64(EROFSFormat.blockSize))
    let isInline = rest > 0 && inode.size + rest <= EROFSFormat.blockSize
    inode.layout = isInline ? .inline : .plain
    inode.place = try block(at: writer.position)
    try copy(content, byteCount: inode.byteCount - Int64(rest))
    var tail = [UInt8](repeating: 0, count: rest)
    try tail.withUnsafeMutableBytes { try content.read(exactly: $0) }
    if isInline { return try place(inode, tail: tail) }
    try writer.append(tail)
    try writer.pad(to: EROFSFormat.blockSize)
    return try place(inode, tail: [])
  }

  private struct Content {
    let source: any ByteSource
    let name: [UInt8]

    func read(exactly space: UnsafeMutableRawBufferPointer) throws {
      guard try source.readFully(into: space) == space.count else {
        throw FileChanged(path: String(decoding: name, as: UTF8.self))
      }
    }
  }

  /// Copies whole blocks.
  private func copy(_ content: Content, byteCount: Int64) throws {
    var rest = byteCount
    while rest > 0 {
      if let file = content.source as? OpenFile, rest >= Self.shortestHole {
        let skipped = try file.skipHole(limit: rest, unit: EROFSFormat.blockSize)
        if skipped > 0 {
          try writer.seek(to: writer.position + skipped)
          rest -= skipped
          continue
        }
      }
      var zeroCount = 0
      let part = try writer.append { space in
        let space = UnsafeMutableRawBufferPointer(rebasing: space.prefix(Int(min(rest, Int64(space.count)))))
        try content.read(exactly: space)
        guard space.count >= Self.shortestHole, Self.isZero(space) else { return space.count }
        zeroCount = space.count
        return 0
      }
      if zeroCount > 0 { try writer.seek(to: writer.position + Int64(zeroCount)) }
      rest -= Int64(part.byteCount + zeroCount)
    }
  }

  /// Whether whole blocks are zero.
  private static func isZero(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
    bytes.bindMemory(to: UInt64.self).allSatisfy { $0 == 0 }
  }

  private func block(at offset: Int64) throws(EROFSError) -> UInt32 {
    guard let block = UInt32(exactly: offset / Int64(EROFSFormat.blockSize)) else { throw .tooLarge }
    return block
  }

  private func place(_ inode: EROFSInode, tail: [UInt8]) throws -> Int {
    if let place = metadata.place(inode, tail: tail) { return place }
    try writer.append(metadata.takeChunk(at: writer.position))
    guard let place = metadata.place(inode, tail: tail) else {
      preconditionFailure("a chunk has room for any inode")
    }
    return place
  }

  // MARK: The end

  /// Writes the directories and the superblock, and gives the length of the image in bytes.
  ///
  /// Nothing may be added then. A writer that is let go of without this leaves a file that is no image.
  ///
  /// - Throws: `EROFSError` when the entries do not make one tree; `FileError`.
  public func finish() throws -> Int64 {
    try beginIfNeeded()
    try writer.append(metadata.takeChunk(at: writer.position))
    guard var tree else { preconditionFailure("there is a root") }
    for (inode, count) in try tree.complete() {
      var bytes: [UInt8] = []
      bytes.append(little: count)
      writer.patch(bytes, at: metadata.offset(of: inode) + Int64(EROFSInode.linkCountOffset))
    }
    let directories = try EROFSDirectories(
      tree, metadata, after: writer.position, counting: &inodeCount)
    try directories.write { try writer.append($0) }
    writer.patch(directories.root, at: EROFSDirectories.rootOffset)
    try writer.pad(to: EROFSFormat.blockSize)
    let superblock = EROFSFormat.superblock(
      rootNumber: UInt16(EROFSDirectories.rootOffset / Int64(EROFSFormat.slotSize)),
      inodeCount: UInt64(inodeCount), blockCount: try block(at: writer.position))
    writer.patch(superblock, at: Int64(EROFSFormat.superblockOffset))
    try writer.finish()
    return writer.position
  }
}
