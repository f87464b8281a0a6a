internal import OCIModel
internal import Synchronization

/// A blob in memory.
final class UploadBytes: BlobUploadSource {
  private let bytes: [UInt8]
  private let position = Atomic(0)

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func begin(at offset: Int64, resume: @escaping @Sendable () -> Void) {
    position.store(Int(min(max(0, offset), Int64(bytes.count))), ordering: .relaxed)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    let start = position.load(ordering: .relaxed)
    let count = min(buffer.count, bytes.count - start)
    buffer.copyBytes(from: bytes[start..<start + count])
    position.store(start + count, ordering: .relaxed)
    return count
  }
}
