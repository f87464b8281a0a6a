/// Numbers of system calls on x86-64 (asm/unistd_64.h), for those that a tracer looks at.
enum SystemCallNumber: Int, CaseIterable {
  case open = 2, stat = 4, fstat = 5, lstat = 6
  case getdents = 78
  case rename = 82, mkdir = 83, rmdir = 84, creat = 85, link = 86, unlink = 87, symlink = 88
  case chmod = 90, fchmod = 91, chown = 92, fchown = 93, lchown = 94
  case getuid = 102, getgid = 104, setuid = 105, setgid = 106, geteuid = 107, getegid = 108
  case setreuid = 113, setregid = 114, getgroups = 115, setgroups = 116, setresuid = 117, getresuid = 118
  case setresgid = 119, getresgid = 120, setfsuid = 122, setfsgid = 123, capget = 125, capset = 126
  case mknod = 133, prctl = 157
  case setxattr = 188, lsetxattr, fsetxattr, getxattr, lgetxattr, fgetxattr, listxattr, llistxattr, flistxattr
  case removexattr, lremovexattr, fremovexattr
  case getdents64 = 217
  case openat = 257, mkdirat, mknodat, fchownat
  case newfstatat = 262, unlinkat, renameat, linkat, symlinkat
  case fchmodat = 268
  case renameat2 = 316, statx = 332

  /// Those that make files or write to them only with bits in that argument.
  static let opening: [(number: Self, argument: Int)] = [(.open, 1), (.openat, 2)]

  /// Those that are refused as an older kernel would, since they change files by ways of their own; every C library does without.
  ///
  /// io_uring (425 to 427), openat2 (437), fchmodat2 (452), the calls for attributes by descriptor (463 to 466), and those for inode flags
  /// (468, 469).
  static let missing = [425, 426, 427, 437, 452, 463, 464, 465, 466, 468, 469]
}

/// Flags of open(2).
enum OpenFlag {
  static let creates: UInt64 = 0o100
  /// `O_WRONLY` and `O_RDWR`.
  static let writes: UInt64 = 0o3
  static let exclusive: UInt64 = 0o200
  static let noFollow: UInt64 = 0o400000
  /// `O_PATH`.
  static let names: UInt64 = 0o10000000
}

/// Error numbers, as system calls return them.
enum Failure {
  static let notPermitted: Int64 = -1
  static let missing: Int64 = -2
  static let tooBig: Int64 = -7
  static let exists: Int64 = -17
  static let notAllowed: Int64 = -13
  static let badAddress: Int64 = -14
  static let invalid: Int64 = -22
  static let outOfRange: Int64 = -34
  static let missingCall: Int64 = -38
  static let noData: Int64 = -61
  static let notSupported: Int64 = -95
}
