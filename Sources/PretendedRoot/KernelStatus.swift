import CTrace
import Glibc

/// `struct stat` as the kernel of x86-64 fills it in (asm/stat.h).
struct KernelStatus {
  static let byteCount = 144

  var file: FileNumber
  var links: UInt64
  var mode: UInt32
  var user: UInt32
  var group: UInt32
  var device: UInt64

  init(_ bytes: UnsafeRawBufferPointer) {
    file = FileNumber(
      device: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
      inode: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    links = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    mode = bytes.loadUnaligned(fromByteOffset: 24, as: UInt32.self)
    user = bytes.loadUnaligned(fromByteOffset: 28, as: UInt32.self)
    group = bytes.loadUnaligned(fromByteOffset: 32, as: UInt32.self)
    device = bytes.loadUnaligned(fromByteOffset: 40, as: UInt64.self)
  }

  init(file: FileNumber, links: UInt64, mode: UInt32, user: UInt32, group: UInt32, device: UInt64) {
    (self.file, self.links, self.mode) = (file, links, mode)
    (self.user, self.group, self.device) = (user, group, device)
  }

  /// The same as Glibc has it.
  init(_ status: stat) {
    file = FileNumber(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    (links, mode, device) = (UInt64(status.st_nlink), status.st_mode, UInt64(status.st_rdev))
    (user, group) = (status.st_uid, status.st_gid)
  }

  /// A file of which nothing is pretended.
  var asRoot: FileRecord { FileRecord(mode: mode, device: device) }
}

/// `struct statx` (statx(2)).
enum ExtendedStatus {
  static let byteCount = 256
  /// What a caller must have asked for, so that the numbers are there: type, mode, links, owner, group, inode.
  static let needed: UInt64 = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x100

  static func read(_ bytes: UnsafeRawBufferPointer) -> KernelStatus {
    func word(_ offset: Int) -> UInt32 { bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    return KernelStatus(
      file: FileNumber(
        device: device(word(136), word(140)),
        inode: bytes.loadUnaligned(fromByteOffset: 32, as: UInt64.self)),
      links: UInt64(word(16)), mode: UInt32(bytes.loadUnaligned(fromByteOffset: 28, as: UInt16.self)),
      user: word(20), group: word(24), device: device(word(128), word(132)))
  }

  /// The combined number, as `struct stat` has it.
  private static func device(_ major: UInt32, _ minor: UInt32) -> UInt64 {
    let (major, minor) = (UInt64(major), UInt64(minor))
    return minor & 0xFF | (major & 0xFFF) << 8 | (minor & ~0xFF) << 12 | (major & ~0xFFF) << 32
  }

  /// `AT_STATX_SYNC_TYPE`, the flags that say how fresh the answer must be.
  static let freshness: UInt64 = 0x6000

  /// Makes it that of a file of which this is said.
  static func show(_ record: FileRecord, in bytes: UnsafeMutableRawBufferPointer) {
    bytes.storeBytes(of: record.user, toByteOffset: 20, as: UInt32.self)
    bytes.storeBytes(of: record.group, toByteOffset: 24, as: UInt32.self)
    bytes.storeBytes(of: UInt16(truncatingIfNeeded: record.mode), toByteOffset: 28, as: UInt16.self)
    bytes.storeBytes(of: majorNumber(record.device), toByteOffset: 128, as: UInt32.self)
    bytes.storeBytes(of: minorNumber(record.device), toByteOffset: 132, as: UInt32.self)
  }

  private static func majorNumber(_ device: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF)
  }

  private static func minorNumber(_ device: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: device & 0xFF | (device >> 12) & ~0xFF)
  }
}
