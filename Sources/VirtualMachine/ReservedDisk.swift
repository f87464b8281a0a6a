public import ArchiveIO
import Glibc
public import SystemPackage

/// The file of a disk that gets its content while the machine starts.
public enum ReservedDisk {
  /// A machine takes a file's length for the size of the disk when it opens it, before anybody knows how much there will be.
  private static let byteCount: Int64 = 1 << 40
  private static let leastByteCount: Int64 = 1 << 32

  /// Makes a file that is one long hole: 1 TiB, or as much as the file system and the limits of this process allow.
  ///
  /// Whoever writes it may cut off what is left. The machine reads zeros there.
  ///
  /// - Throws: `FileError`.
  public static func create(at path: FilePath) throws(FileError) -> DirectFile {
    let file = try DirectFile(creating: path)
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    // A file beyond the limit would end this process by a signal.
    var length = Int64(clamping: min(UInt64(byteCount), UInt64(limit.rlim_cur)))
    while ftruncate(file.fileDescriptor.rawValue, off_t(length)) != 0 {
      guard errno == EFBIG || errno == EINVAL, length > leastByteCount else {
        throw FileError("reserve", path.string, Errno(rawValue: errno))
      }
      length /= 2
    }
    return file
  }
}
