import ArchiveIO
import Glibc
import SystemPackage

/// The program that runs here.
enum OwnProgram {
  /// Its path.
  static func path() throws(FileError) -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes {
      readlink(
        "/proc/self/exe", $0.assumingMemoryBound(to: CChar.self).baseAddress.unsafelyUnwrapped, $0.count)
    }
    guard count > 0 else { throw FileError("read the link", "/proc/self/exe", Errno(rawValue: errno)) }
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }
}
