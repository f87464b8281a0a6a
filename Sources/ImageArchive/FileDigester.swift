import ArchiveIO
import Hashing

/// The digest of a file that grows, computed behind the writer on a thread of its own.
///
/// It reads the file again, because a header at the beginning is known last. Read directly, that costs the disk more than the
/// processor, and it happens while the next layer is decompressed.
final class FileDigester: @unchecked Sendable {
  // Unchecked: everything but `worker` is used by its jobs only, one after another, and while it rests.
  private let file: DirectFile
  private let worker = Worker()
  private let pool = BlockPool(blockSize: 1 << 20, limit: 1)
  private var hasher = ContentHasher()
  private var position: Int64 = 0

  init(_ file: DirectFile) { self.file = file }

  /// Adds everything up to `end`, which must be final.
  func advance(to end: Int64) throws { try worker.submit { [self] in try hash(to: end) } }

  func digest() throws -> Digest {
    try worker.finish()
    return hasher.copy().finalize()
  }

  private func hash(to end: Int64) throws {
    while position < end {
      let part = try pool.take().read(from: file, at: position, upTo: end)
      part.withBytes { hasher.update($0) }
      position += Int64(part.byteCount)
    }
  }
}
