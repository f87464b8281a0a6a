import ArchiveIO
import Glibc
import Hashing
import OCIModel
import SystemPackage

/// A lock on an OCI layout, held until it is let go of, or by the end of the process.
///
/// There are two. Who adds blobs, which nothing names until the end, holds the one on `oci-layout` together with others who do; who
/// removes blobs holds it alone. Who replaces `index.json` holds the one on the directory alone. When both are needed, that on
/// `oci-layout` comes first.
final class LayoutLock: Sendable {
  private let descriptor: Int32

  private init(_ path: FilePath, flags: Int32, kind: Int32) throws(FileError) {
    descriptor = Glibc.open(path.string, O_RDONLY | O_CLOEXEC | flags)
    guard descriptor >= 0 else { throw FileError("open", path.string, Errno(rawValue: errno)) }
    while flock(descriptor, kind) != 0 {
      if errno == EINTR { continue }
      // The initialiser is through, so the descriptor is closed by `deinit`.
      throw FileError("lock", path.string, Errno(rawValue: errno))
    }
  }

  deinit { close(descriptor) }

  /// For whoever adds blobs.
  static func adding(to layout: FilePath) throws(FileError) -> LayoutLock {
    try LayoutLock(layout.appending("oci-layout"), flags: O_NOFOLLOW, kind: LOCK_SH)
  }

  /// For whoever removes blobs: waits until nobody is adding any.
  static func collecting(in layout: FilePath) throws(FileError) -> LayoutLock {
    try LayoutLock(layout.appending("oci-layout"), flags: O_NOFOLLOW, kind: LOCK_EX)
  }

  /// For whoever replaces `index.json`.
  static func index(of layout: FilePath) throws(FileError) -> LayoutLock {
    try LayoutLock(layout, flags: O_DIRECTORY, kind: LOCK_EX)
  }
}

/// The files of an OCI layout that is changed.
enum LayoutFile {
  /// Where the blob of that digest is, or will be.
  static func blob(_ digest: Digest, in layout: FilePath) -> FilePath {
    layout.appending("blobs").appending(digest.algorithm.rawValue).appending(digest.hex)
  }

  /// A whole document.
  static func read(_ path: FilePath) throws -> [UInt8] {
    let descriptor = Glibc.open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError("open", path.string, Errno(rawValue: errno)) }
    let file = DirectFile(owning: FileDescriptor(rawValue: descriptor), path: path.string, direct: false)
    return try file.readAll(limit: ManifestDocument.maximumByteCount)
  }

  /// A small file that appears, or is replaced, in one step.
  static func write(_ bytes: [UInt8], to path: FilePath) throws {
    let file = try NewFile(at: path)
    let writer = BlockWriter(file.file, pool: BlockPool(blockSize: 64 * 1024, limit: 2))
    try writer.append(bytes)
    try writer.finish()
    try file.commit()
  }
}
