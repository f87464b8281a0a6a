import CSeccomp

/// A seccomp filter for programs under `proot`.
///
/// proot rewrites the paths of the system calls that it knows. One that it does not know reaches the files of the host instead of the image's:
/// Debian's proot 5.1.0 knows neither `statx` nor `openat2`, `faccessat2`, `fchmodat2` or `execveat`. With the filter these do not exist, as on an
/// older kernel, and the C library falls back on calls that proot does know.
public enum SystemCallFilter {
  /// Installs the filter for the calling thread and every program that it starts; nothing takes it away again.
  ///
  /// - Throws: `FilterRefused`, also on other processors than x86-64 and arm64 when the kernel knows no filters.
  public static func refuseYoungPathCalls() throws(FilterRefused) {
    let status = seccomp_refuse_path_calls()
    guard status == 0 else { throw FilterRefused(errno: status) }
  }
}

/// The kernel did not take the filter.
public struct FilterRefused: Error, Hashable, CustomStringConvertible {
  /// The system's reason.
  public let errno: Int32

  /// One line for people.
  public var description: String {
    "the kernel refused a seccomp filter (error \(errno)), without which proot does not keep programs inside the image"
  }
}
