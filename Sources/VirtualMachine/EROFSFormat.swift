import ArchiveIO

/// The numbers of the format and the encodings of its parts (Linux, `fs/erofs/erofs_fs.h`; vm-executor.md, section 4.1); little endian.
enum EROFSFormat {
  /// The size of a block in bytes.
  static let blockSize = 4096
  /// The number of bits of an offset in a block.
  static let blockBits: UInt8 = 12
  /// Inodes begin at multiples of this, and are numbered by it.
  static let slotSize = 32
  /// The length of an inode without its attributes.
  static let inodeSize = 64
  /// Where the superblock begins.
  static let superblockOffset = 1024

  /// Where the data of an inode is.
  enum DataLayout: UInt16 {
    /// In whole blocks.
    case plain = 0
    /// In whole blocks, but what is left behind the inode.
    case inline = 2
  }

  /// The superblock of 128 bytes; inodes are counted from the beginning of the image.
  static func superblock(rootNumber: UInt16, inodeCount: UInt64, blockCount: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(little: UInt32(0xE0F5_E1E2))
    bytes.append(little: UInt64(0))  // check sum and compatible features: none
    bytes.append(blockBits)
    bytes.append(0)
    bytes.append(little: rootNumber)
    bytes.append(little: inodeCount)
    bytes.append(little: UInt64(0))  // time of compact inodes: there are none
    bytes.append(little: UInt32(0))
    bytes.append(little: blockCount)
    return bytes + [UInt8](repeating: 0, count: 128 - bytes.count)
  }

  /// A type as directories tell it.
  static func directoryType(_ type: TarType) -> UInt8 {
    switch type {
    case .directory: 2
    case .characterDevice: 3
    case .blockDevice: 4
    case .fifo: 5
    case .symbolicLink: 7
    default: 1
    }
  }
}

/// An inode with its attributes, without its data.
struct EROFSInode {
  var mode: UInt32
  var layout: EROFSFormat.DataLayout
  var byteCount: Int64
  /// The first block of the data, or the device's number.
  var place: UInt32
  var number: UInt32
  var linkCount: UInt32
  var owner: (uid: UInt32, gid: UInt32)
  var time: (seconds: Int64, nanoseconds: UInt32)
  /// What `EROFSAttributes` made.
  var attributes: [UInt8]

  /// Where the number of links is in the bytes.
  static let linkCountOffset = 44

  /// The number of bytes.
  var size: Int { EROFSFormat.inodeSize + attributes.count }

  /// The extended form of 64 bytes, and the attributes.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    bytes.append(little: 1 | layout.rawValue << 1)
    bytes.append(little: EROFSAttributes.count(ofByteCount: attributes.count))
    bytes.append(little: UInt16(truncatingIfNeeded: mode))
    bytes.append(little: UInt16(0))
    bytes.append(little: UInt64(byteCount))
    bytes.append(little: place)
    bytes.append(little: number)
    bytes.append(little: owner.uid)
    bytes.append(little: owner.gid)
    bytes.append(little: UInt64(bitPattern: time.seconds))
    bytes.append(little: time.nanoseconds)
    bytes.append(little: linkCount)
    bytes.append(contentsOf: repeatElement(0, count: 16))
    return bytes + attributes
  }
}

/// Extended attributes as they are behind an inode.
enum EROFSAttributes {
  private static let headerSize = 12
  /// What names begin with, and the number that stands for it.
  private static let classes: [(prefix: String, index: UInt8)] = [
    ("user.", 1), ("system.posix_acl_access", 2), ("system.posix_acl_default", 3), ("trusted.", 4),
    ("security.", 6),
  ]

  /// The attributes of `path`; nothing for none.
  ///
  /// - Throws: `EROFSError.attribute`.
  static func bytes(_ attributes: [PAXRecord], of path: [UInt8]) throws(EROFSError) -> [UInt8] {
    guard !attributes.isEmpty else { return [] }
    var bytes = [UInt8](repeating: 0, count: headerSize)
    for attribute in attributes {
      func failure(_ reason: String) -> EROFSError {
        .attribute(path, name: attribute.key, reason: reason)
      }
      guard let found = classes.first(where: { attribute.key.starts(with: $0.prefix.utf8) }) else {
        throw failure("only those of user, trusted and security, and POSIX ACLs, have a place")
      }
      let name = attribute.key.dropFirst(found.prefix.utf8.count)
      guard name.isEmpty == !found.prefix.hasSuffix("."), let nameLength = UInt8(exactly: name.count) else {
        throw failure("its name is not one of 1 to 255 bytes")
      }
      guard let valueLength = UInt16(exactly: attribute.value.count) else {
        throw failure("its value has more than 65535 bytes")
      }
      bytes.append(nameLength)
      bytes.append(found.index)
      bytes.append(little: valueLength)
      bytes += name
      bytes += attribute.value
      bytes.append(contentsOf: repeatElement(0, count: (4 - bytes.count % 4) % 4))
    }
    guard bytes.count <= headerSize + 4 * (Int(UInt16.max) - 1) else {
      throw .attribute(path, name: attributes[0].key, reason: "with the others it has more than 256 KiB")
    }
    return bytes
  }

  /// What the inode says of the length of its attributes.
  static func count(ofByteCount count: Int) -> UInt16 {
    count == 0 ? 0 : UInt16(1 + (count - headerSize) / 4)
  }
}

extension [UInt8] {
  /// Appends a number, its lowest byte first.
  mutating func append(little number: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }
}
