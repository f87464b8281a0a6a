internal import HTTPTransport
internal import Hashing
internal import OCIModel
internal import Synchronization

/// Keeps a small blob in memory and checks it.
final class BlobMemory: BlobReceiver {
  private let blob: Descriptor
  private let subject: String
  private let limit: Int
  private let content = Mutex<[UInt8]>([])

  init(_ blob: Descriptor, subject: String, limit: Int) {
    self.blob = blob
    self.subject = subject
    self.limit = limit
  }

  /// What came so far.
  var bytes: [UInt8] { content.withLock { $0 } }

  var receivedByteCount: Int64 { content.withLock { Int64($0.count) } }

  func receive(_ bytes: RawSpan) throws -> Bool {
    try content.withLock { content in
      guard content.count + bytes.byteCount <= limit else {
        throw TransportError.bodyTooLarge(limit: limit)
      }
      bytes.withUnsafeBytes { content.append(contentsOf: $0) }
    }
    return true
  }

  func setResumption(_ resume: @escaping @Sendable () -> Void) {}

  func restart() { content.withLock { $0 = [] } }

  func finish() throws {
    let bytes = bytes
    let digest = Digest(of: bytes, algorithm: blob.digest.algorithm)
    guard digest == blob.digest, blob.byteCount < 0 || blob.byteCount == Int64(bytes.count) else {
      throw ContentMismatch(
        subject: subject, expected: blob.digest, found: digest == blob.digest ? nil : digest,
        expectedByteCount: blob.byteCount < 0 ? nil : blob.byteCount, foundByteCount: Int64(bytes.count))
    }
  }
}
