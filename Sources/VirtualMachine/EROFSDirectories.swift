/// All directories of an image, which come last: their blocks, and behind them their inodes, so that every number in them is known before.
struct EROFSDirectories {
  /// The root is the only one that is elsewhere.
  static let rootOffset = Int64(EROFSFormat.blockSize)
  private static let entrySize = 12

  private struct Place {
    var blocks: EROFSDirectoryBlocks
    var inode: EROFSInode
    /// Where the inode begins in the image.
    var offset: Int64

    /// The blocks that are not behind the inode.
    var wholeBlocks: Range<Int> { 0..<(blocks.count - (inode.layout == .inline ? 1 : 0)) }
  }

  private let tree: EROFSTree
  private let metadata: EROFSMetadata
  private var places: [Place] = []
  private let start: Int64

  /// Lays out the directories of a complete tree from `offset` on, which is at the beginning of a block.
  ///
  /// Those that nothing was said of are counted in `inodeCount`.
  ///
  /// - Throws: `EROFSError.tooLarge`.
  init(
    _ tree: EROFSTree, _ metadata: EROFSMetadata, after offset: Int64, counting inodeCount: inout UInt32
  ) throws(EROFSError) {
    self.tree = tree
    self.metadata = metadata
    let unit = Int64(EROFSFormat.blockSize)
    var block = offset / unit
    for directory in tree.directories {
      let blocks = EROFSDirectoryBlocks(directory.children.map { Int($0.count) })
      var inode = directory.inode
      inode.byteCount = blocks.byteCount
      // Its own `.`, the name in its parent, and the `..` of each directory in it: as many as there are names of directories.
      inode.linkCount = UInt32(
        directory.children.count { if case .directory = $0.reference { true } else { false } })
      inode.layout = inode.size + blocks.lastByteCount <= EROFSFormat.blockSize ? .inline : .plain
      guard let first = UInt32(exactly: block) else { throw .tooLarge }
      inode.place = first
      if directory.isImplicit {
        inodeCount += 1
        inode.number = inodeCount
      }
      let place = Place(blocks: blocks, inode: inode, offset: Self.rootOffset)
      places.append(place)
      block += Int64(place.wholeBlocks.count)
    }
    start = block * unit
    var next = start
    for index in places.indices.dropFirst() {
      let place = places[index]
      let size = Int64(place.inode.size + (place.inode.layout == .inline ? place.blocks.lastByteCount : 0))
      if next % unit + size > unit { next = (next + unit - 1) / unit * unit }
      places[index].offset = next
      let slot = Int64(EROFSFormat.slotSize)
      next += (size + slot - 1) / slot * slot
    }
  }

  /// The root's inode, with what belongs behind it.
  var root: [UInt8] { inode(EROFSTree.root) }

  /// Gives everything else to `append`, in order.
  func write(_ append: ([UInt8]) throws -> Void) throws {
    for (directory, place) in places.enumerated() {
      for block in place.wholeBlocks {
        let bytes = encode(block, of: directory)
        try append(bytes + [UInt8](repeating: 0, count: EROFSFormat.blockSize - bytes.count))
      }
    }
    var position = start
    for (directory, place) in places.enumerated().dropFirst() {
      let bytes = inode(directory)
      try append([UInt8](repeating: 0, count: Int(place.offset - position)) + bytes)
      position = place.offset + Int64(bytes.count)
    }
  }

  private func inode(_ directory: Int) -> [UInt8] {
    let place = places[directory]
    guard place.inode.layout == .inline else { return place.inode.bytes }
    return place.inode.bytes + encode(place.blocks.count - 1, of: directory)
  }

  /// A block of a directory: an array of numbers, places of names and types, and the names.
  private func encode(_ block: Int, of directory: Int) -> [UInt8] {
    let children = tree.directories[directory].children[places[directory].blocks.entries(of: block)]
    var bytes: [UInt8] = []
    var nameOffset = children.count * Self.entrySize
    for child in children {
      bytes.append(little: UInt64(offset(of: child) / Int64(EROFSFormat.slotSize)))
      bytes.append(little: UInt16(nameOffset))
      bytes.append(child.type)
      bytes.append(0)
      nameOffset += Int(child.count)
    }
    for child in children { bytes += tree.name(of: child) }
    return bytes
  }

  private func offset(of child: EROFSTree.Child) -> Int64 {
    switch child.reference {
    case .directory(let place): places[place].offset
    case .inode(let place): metadata.offset(of: place)
    case .link: preconditionFailure("the tree is complete")
    }
  }
}

/// How the names of a directory are distributed over its blocks.
struct EROFSDirectoryBlocks {
  /// The number of bytes of a name without its text.
  private static let entrySize = 12
  /// The first entry of each block.
  private var firsts = [0]
  private let entryCount: Int
  /// How much of the last block is used.
  private(set) var lastByteCount = 0

  /// Distributes names of these lengths, in order.
  init(_ lengths: [Int]) {
    entryCount = lengths.count
    for (index, length) in lengths.enumerated() {
      if lastByteCount + Self.entrySize + length > EROFSFormat.blockSize {
        firsts.append(index)
        lastByteCount = 0
      }
      lastByteCount += Self.entrySize + length
    }
  }

  /// The number of blocks.
  var count: Int { firsts.count }
  /// The size of the directory in bytes.
  var byteCount: Int64 { Int64(count - 1) * Int64(EROFSFormat.blockSize) + Int64(lastByteCount) }

  /// The entries in a block.
  func entries(of block: Int) -> Range<Int> {
    firsts[block]..<(block + 1 < firsts.count ? firsts[block + 1] : entryCount)
  }
}

extension EROFSInode {
  /// A directory that nothing is said of, 0755 and of 0:0, as image layers have it.
  static let implicitDirectory = EROFSInode(
    mode: 0o040755, layout: .plain, byteCount: 0, place: 0, number: 0, linkCount: 2, owner: (0, 0),
    time: (0, 0),
    attributes: [])
}
