public import ArchiveIO
import Hashing
public import OCIModel

/// A blob on its way from a registry: received by one side, read by the other, checked in between.
public final class SpooledBlob: BlobReceiver, BlobContent {
  /// What is expected.
  public let descriptor: Descriptor
  /// What the blob is, for messages: `layer 2 of 5`.
  public let subject: String
  let spool: Spool

  /// A blob that arrives in `spool`.
  public init(descriptor: Descriptor, subject: String, spool: Spool) {
    self.descriptor = descriptor
    self.subject = subject
    self.spool = spool
  }

  /// See `BlobReceiver`.
  public var receivedByteCount: Int64 { spool.receivedByteCount }

  /// See `BlobReceiver`.
  public func receive(_ bytes: RawSpan) throws -> Bool { try spool.receive(bytes) }

  /// See `BlobReceiver`.
  public func setResumption(_ resume: @escaping @Sendable () -> Void) { spool.setResumption(resume) }

  /// See `BlobReceiver`.
  public func restart() throws { try spool.restart() }

  /// See `BlobReceiver`.
  public func finish() throws {
    let found = try spool.digest()
    guard found == descriptor.digest else {
      throw ContentMismatch(
        subject: subject, expected: descriptor.digest, found: found, expectedByteCount: nil,
        foundByteCount: receivedByteCount)
    }
    spool.complete()
  }

  /// Says that the blob will not come; whoever reads it gets `error`.
  public func fail(_ error: any Error) { spool.fail(error) }

  /// See `BlobContent`.
  public func open() throws -> any ByteSource { spool.makeReader() }

  /// See `BlobContent`.
  public func waitUntilComplete() throws { try spool.waitUntilComplete() }

  /// See `BlobContent`.
  public func byteCount() throws -> Int64 {
    try waitUntilComplete()
    return receivedByteCount
  }

  /// See `BlobContent`.
  public func suffix(_ count: Int) throws -> [UInt8] {
    try waitUntilComplete()
    return try spool.suffix(count)
  }
}
