/// The numbers of ext4, as scratch disks have them, and its directories.
enum Ext4 {
  static let blockSize = 4096
  /// As many as one block has bits.
  static let blocksPerGroup = 8 * blockSize
  static let inodeSize = 256
  static let inodesPerGroup = 8192
  /// The blocks of the inodes of a group.
  static let tableBlocks = inodesPerGroup * inodeSize / blockSize
  static let rootInode = 2
  static let lostInode = 11

  /// ext_attr, dir_index.
  static let compatibleFeatures: UInt32 = 0x8 | 0x20
  /// filetype, extents, ea_inode for large extended attributes.
  static let incompatibleFeatures: UInt32 = 0x2 | 0x40 | 0x400
  /// sparse_super, large_file, huge_file, dir_nlink, extra_isize.
  static let readOnlyFeatures: UInt32 = 0x1 | 0x2 | 0x8 | 0x20 | 0x40

  /// How many blocks bytes need.
  static func blocks(for byteCount: Int) -> Int { (byteCount + blockSize - 1) / blockSize }

  /// The inode of a directory of one block, which one extent names.
  static func directoryInode(mode: UInt16, linkCount: UInt16, block: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(little: UInt16(0o040000) | mode)
    bytes.append(little: UInt16(0))
    bytes.append(little: UInt32(blockSize))
    bytes += [UInt8](repeating: 0, count: 18)
    bytes.append(little: linkCount)
    bytes.append(little: UInt32(blockSize / 512))
    bytes.append(little: UInt32(0x80000))  // has extents
    bytes.append(little: UInt32(0))
    for number: UInt16 in [0xF30A, 1, 4, 0, 0, 0] { bytes.append(little: number) }
    for number: UInt16 in [0, 0, 1, 0] { bytes.append(little: number) }
    bytes.append(little: UInt32(block))
    bytes += [UInt8](repeating: 0, count: 128 - bytes.count)
    bytes.append(little: UInt16(32))  // the part behind the first 128 bytes
    return bytes + [UInt8](repeating: 0, count: inodeSize - bytes.count)
  }

  /// The block of a directory of directories; the last entry takes all the room that is left.
  static func directory(_ entries: [(name: String, inode: Int)]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (index, entry) in entries.enumerated() {
      let length = (8 + entry.name.utf8.count + 3) / 4 * 4
      let room = index == entries.count - 1 ? blockSize - bytes.count : length
      let start = bytes.count
      bytes.append(little: UInt32(entry.inode))
      bytes.append(little: UInt16(room))
      bytes.append(UInt8(entry.name.utf8.count))
      bytes.append(2)
      bytes += entry.name.utf8
      bytes += [UInt8](repeating: 0, count: start + room - bytes.count)
    }
    return bytes
  }
}

/// A group of blocks of a scratch disk: tables first, and free but for those; the first one has the directories.
struct Ext4Group {
  /// The length of a group's description in bytes.
  static let descriptorSize = 32

  let number: Int
  let blockCount: Int
  private let descriptorBlocks: Int

  init(number: Int, blockCount: Int, descriptorBlocks: Int) {
    self.number = number
    self.blockCount = blockCount
    self.descriptorBlocks = descriptorBlocks
  }

  /// Whether it has a copy of the superblock: the first two, and the powers of 3, 5 and 7.
  var hasSuperblock: Bool {
    number <= 1
      || [3, 5, 7].contains { base in
        var power = base
        while power < number { power *= base }
        return power == number
      }
  }

  var firstBlock: Int { number * Ext4.blocksPerGroup }
  var blockBitmapPlace: Int { firstBlock + (hasSuperblock ? 1 + descriptorBlocks : 0) }
  var inodeBitmapPlace: Int { blockBitmapPlace + 1 }
  var inodeTablePlace: Int { inodeBitmapPlace + 1 }
  var firstDataBlock: Int { inodeTablePlace + Ext4.tableBlocks }

  /// The root and lost+found have one each.
  private var directoryCount: Int { number == 0 ? 2 : 0 }
  private var usedBlockCount: Int { firstDataBlock - firstBlock + directoryCount }
  private var usedInodeCount: Int { number == 0 ? Ext4.lostInode : 0 }
  var freeBlockCount: Int { blockCount - usedBlockCount }
  var freeInodeCount: Int { Ext4.inodesPerGroup - usedInodeCount }

  var descriptor: [UInt8] {
    var bytes: [UInt8] = []
    for place in [blockBitmapPlace, inodeBitmapPlace, inodeTablePlace] { bytes.append(little: UInt32(place)) }
    for count in [freeBlockCount, freeInodeCount, directoryCount] { bytes.append(little: UInt16(count)) }
    return bytes + [UInt8](repeating: 0, count: Self.descriptorSize - bytes.count)
  }

  var blockBitmap: [UInt8] { Self.bitmap(used: usedBlockCount, existing: blockCount) }
  var inodeBitmap: [UInt8] { Self.bitmap(used: usedInodeCount, existing: Ext4.inodesPerGroup) }

  /// A bit for each of what is used, at the beginning, and for all that do not exist, at the end.
  private static func bitmap(used: Int, existing: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Ext4.blockSize)
    let firstWhole = (existing + 7) / 8
    for byte in firstWhole..<Ext4.blockSize { bytes[byte] = 0xFF }
    for bit in Array(0..<used) + Array(existing..<(8 * firstWhole)) { bytes[bit / 8] |= 1 << UInt8(bit % 8) }
    return bytes
  }
}
