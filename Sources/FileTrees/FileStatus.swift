import Glibc

/// What the system knows of a file, links not followed.
public struct FileStatus: Sendable, Hashable {
  /// What it is; nil for a socket, which no archive can hold.
  public var type: TarType?
  /// The permission bits, set-id and sticky ones included.
  public var mode: UInt32
  /// The owner's number.
  public var uid: UInt32
  /// The group's number.
  public var gid: UInt32
  /// The length in bytes; of a symbolic link, that of its target.
  public var byteCount: Int64
  /// Seconds since 1970.
  public var modificationTime: Int64
  /// The rest of that time in nanoseconds, less than a second.
  public var modificationNanoseconds: UInt32
  /// When anything about it was changed, in nanoseconds since 1970; nobody can set it.
  public var changeTime: Int64
  /// The numbers, of a device.
  public var device: TarDevice?
  /// The number of names.
  public var linkCount: UInt64
  /// The file system and the number in it: the same for all names of one file.
  public var identity: FileIdentity

  init(_ status: stat) {
    mode = status.st_mode & 0o7777
    uid = status.st_uid
    gid = status.st_gid
    byteCount = Int64(status.st_size)
    modificationTime = Int64(status.st_mtim.tv_sec)
    modificationNanoseconds = UInt32(status.st_mtim.tv_nsec)
    changeTime = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
    linkCount = UInt64(status.st_nlink)
    identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    let numbers = TarDevice(deviceNumber: UInt64(status.st_rdev))
    type = TarType(fileMode: status.st_mode)
    if type == .characterDevice || type == .blockDevice { device = numbers }
  }
}

/// One file, whatever its names.
public struct FileIdentity: Sendable, Hashable {
  /// The number of the file system.
  public var device: UInt64
  /// The number in the file system.
  public var inode: UInt64

  /// A file's numbers.
  public init(device: UInt64, inode: UInt64) {
    self.device = device
    self.inode = inode
  }
}

extension TarDevice {
  /// The C library's combined number.
  public var deviceNumber: UInt64 {
    let (major, minor) = (UInt64(major), UInt64(minor))
    return (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | minor & 0xFF | (minor & ~0xFF) << 12
  }

  /// Takes the C library's combined number apart: what `gnu_dev_major` and `gnu_dev_minor` do, which Swift cannot see.
  public init(deviceNumber number: UInt64) {
    self.init(
      major: UInt32(truncatingIfNeeded: (number >> 8) & 0xFFF | (number >> 32) & ~0xFFF),
      minor: UInt32(truncatingIfNeeded: number & 0xFF | (number >> 12) & ~0xFF))
  }
}

extension TarType {
  /// What a file is by its `st_mode`; nil for a socket.
  public init?(fileMode mode: UInt32) {
    switch mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .directory
    case S_IFLNK: self = .symbolicLink
    case S_IFIFO: self = .fifo
    case S_IFCHR: self = .characterDevice
    case S_IFBLK: self = .blockDevice
    default: return nil
    }
  }

  /// The type's bits in `st_mode`.
  public var fileMode: UInt32 {
    switch self {
    case .directory: S_IFDIR
    case .symbolicLink: S_IFLNK
    case .fifo: S_IFIFO
    case .characterDevice: S_IFCHR
    case .blockDevice: S_IFBLK
    default: S_IFREG
    }
  }
}
