import Glibc
public import SystemPackage

/// Directories that only their owner can look into.
public enum PrivateDirectory {
  /// Creates the directory and those above it, as far as they are not there.
  public static func create(_ path: FilePath) throws(FileError) {
    if mkdir(path.string, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, !path.removingLastComponent().isEmpty else {
      throw FileError("create the directory", path.string, Errno(rawValue: errno))
    }
    try create(path.removingLastComponent())
    guard mkdir(path.string, 0o700) == 0 || errno == EEXIST else {
      throw FileError("create the directory", path.string, Errno(rawValue: errno))
    }
  }
}
