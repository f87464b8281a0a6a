import ArchiveIO
import Glibc
import SystemPackage

/// This program's own file.
enum OwnProgram {
  /// Where it is.
  static func path() throws -> FilePath {
    guard let path = realpath("/proc/self/exe", nil) else {
      throw FileError("find", "/proc/self/exe", Errno(rawValue: errno))
    }
    defer { free(path) }
    return FilePath(String(cString: path))
  }
}
