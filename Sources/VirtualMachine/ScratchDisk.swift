public import ArchiveIO

/// An empty ext4 file system without a journal, for what scripts write in the virtual machine.
///
/// It is written by us, and not by `mke2fs` or from a template, so that it is there on every machine, has any size at once, and is always the same.
/// Only what is not zero is written, which is 8 KiB for every 128 MiB; the rest of the file is a hole. The layout is that of ext2 with 256-byte
/// inodes, one for every 16 KiB, and extents (Linux' documentation, `filesystems/ext4`).
public struct ScratchDisk: Sendable {
  /// The smallest disk in bytes.
  public static let leastByteCount: Int64 = 16 << 20

  private let groups: [Ext4Group]
  private let blockCount: Int
  private let descriptorBlocks: Int

  /// A disk of at most `byteCount` bytes, rounded down to what groups of blocks can be made of.
  ///
  /// - Throws: `ScratchDiskError`.
  public init(byteCount: Int64) throws(ScratchDiskError) {
    guard byteCount >= Self.leastByteCount else { throw .tooSmall(byteCount) }
    guard byteCount <= Int64(UInt32.max) * Int64(Ext4.blockSize) else { throw .tooLarge(byteCount) }
    var count = Int(byteCount / Int64(Ext4.blockSize))
    // A rest that has hardly room for its own tables is left unused.
    let rest = count % Ext4.blocksPerGroup
    if count > Ext4.blocksPerGroup, rest < 2 * Ext4.tableBlocks { count -= rest }
    blockCount = count
    let groupCount = (count + Ext4.blocksPerGroup - 1) / Ext4.blocksPerGroup
    let descriptorBlocks = Ext4.blocks(for: groupCount * Ext4Group.descriptorSize)
    self.descriptorBlocks = descriptorBlocks
    groups = (0..<groupCount).map { number in
      let blocks = min(Ext4.blocksPerGroup, count - number * Ext4.blocksPerGroup)
      return Ext4Group(number: number, blockCount: blocks, descriptorBlocks: descriptorBlocks)
    }
  }

  /// The length of the file in bytes.
  public var byteCount: Int64 { Int64(blockCount) * Int64(Ext4.blockSize) }

  /// Writes it to an empty file.
  ///
  /// - Throws: `FileError`.
  public func write(to file: DirectFile) throws(FileError) {
    func put(_ bytes: [UInt8], _ block: Int, _ offset: Int = 0) throws(FileError) {
      let place = Int64(block) * Int64(Ext4.blockSize) + Int64(offset)
      let result = bytes.withUnsafeBytes { bytes in
        Result<Void, FileError> { () throws(FileError) in try file.write(bytes, at: place) }
      }
      try result.get()
    }
    let descriptors = groups.flatMap(\.descriptor)
    for group in groups {
      if group.hasSuperblock {
        try put(superblock(copyIn: group), group.firstBlock, group.number == 0 ? 1024 : 0)
        try put(descriptors, group.firstBlock + 1)
      }
      try put(group.blockBitmap, group.blockBitmapPlace)
      try put(group.inodeBitmap, group.inodeBitmapPlace)
    }
    let first = groups[0]
    let (rootBlock, lostBlock) = (first.firstDataBlock, first.firstDataBlock + 1)
    let root = Ext4.directoryInode(mode: 0o755, linkCount: 3, block: rootBlock)
    let lost = Ext4.directoryInode(mode: 0o700, linkCount: 2, block: lostBlock)
    try put(root, first.inodeTablePlace, (Ext4.rootInode - 1) * Ext4.inodeSize)
    try put(lost, first.inodeTablePlace, (Ext4.lostInode - 1) * Ext4.inodeSize)
    try put(
      Ext4.directory([(".", Ext4.rootInode), ("..", Ext4.rootInode), ("lost+found", Ext4.lostInode)]),
      rootBlock)
    try put(Ext4.directory([(".", Ext4.lostInode), ("..", Ext4.rootInode)]), lostBlock)
    // The last byte gives the file its length; all before it that was not written is zero.
    try put([0], blockCount - 1, Ext4.blockSize - 1)
  }

  /// The superblock or one of its copies.
  private func superblock(copyIn group: Ext4Group) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 1024)
    func set(_ offset: Int, _ value: some FixedWidthInteger) {
      var number: [UInt8] = []
      number.append(little: value)
      bytes.replaceSubrange(offset..<(offset + number.count), with: number)
    }
    set(0x00, UInt32(groups.count * Ext4.inodesPerGroup))
    set(0x04, UInt32(blockCount))
    set(0x0C, UInt32(groups.reduce(0) { $0 + $1.freeBlockCount }))
    set(0x10, UInt32(groups.reduce(0) { $0 + $1.freeInodeCount }))
    set(0x18, UInt32(2))  // blocks of 2^(10 + 2) bytes
    set(0x1C, UInt32(2))
    set(0x20, UInt32(Ext4.blocksPerGroup))
    set(0x24, UInt32(Ext4.blocksPerGroup))
    set(0x28, UInt32(Ext4.inodesPerGroup))
    set(0x36, UInt16.max)  // never checked because of the number of mounts
    set(0x38, UInt16(0xEF53))
    set(0x3A, UInt16(1))  // clean
    set(0x3C, UInt16(1))  // goes on after errors
    set(0x4C, UInt32(1))
    set(0x54, UInt32(Ext4.lostInode))  // the first that is not reserved
    set(0x58, UInt16(Ext4.inodeSize))
    set(0x5A, UInt16(group.number))
    set(0x5C, Ext4.compatibleFeatures)
    set(0x60, Ext4.incompatibleFeatures)
    set(0x64, Ext4.readOnlyFeatures)
    bytes.replaceSubrange(0x68..<0x78, with: "cooper's scratch".utf8)  // there must be an UUID
    bytes.replaceSubrange(0xEC..<0xFC, with: "cooper's scratch".utf8)  // seed of the hashes of names
    set(0xFC, UInt8(1))  // hashes are half of MD4
    set(0x15C, UInt16(32))
    set(0x15E, UInt16(32))
    set(0x160, UInt32(1))  // names are hashed as signed bytes
    return bytes
  }
}

/// A size that no scratch disk has.
public enum ScratchDiskError: Error, Hashable, CustomStringConvertible {
  /// Less than 16 MiB.
  case tooSmall(Int64)
  /// 16 TiB or more.
  case tooLarge(Int64)

  /// One line for people.
  public var description: String {
    switch self {
    case .tooSmall(let count):
      "a disk for scripts needs at least \(ScratchDisk.leastByteCount) bytes, and there are to be \(count); give a larger diskSize"
    case .tooLarge(let count):
      "a disk for scripts has less than 16 TiB, and there are to be \(count) bytes; give a smaller diskSize"
    }
  }
}
