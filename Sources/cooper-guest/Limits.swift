import Glibc

/// What the kernel allows to this program.
enum Limits {
  private static let files: rlim_t = 65_536

  /// Allows as many open files as trees have levels.
  static func allowManyFiles() throws {
    var limit = rlimit(rlim_cur: files, rlim_max: files)
    guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      throw GuestFailure("cannot allow many open files")
    }
  }
}
