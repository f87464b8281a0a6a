public import ArchiveIO
public import Hashing
import OCIModel

/// Hashes bytes while they are read; the end is only reached when they are the right ones.
public final class CheckedSource: ByteSource {
  private let source: any ByteSource
  private let digest: Digest
  private let expectedByteCount: Int64
  private let subject: String
  private let report: @Sendable (Bool) -> Void
  private var hasher: ContentHasher
  private var byteCount: Int64 = 0

  /// Bytes that must have that digest, and that length unless it is negative; `report` is told at the end whether they have.
  public init(
    _ source: any ByteSource, digest: Digest, byteCount: Int64 = -1, subject: String,
    report: @escaping @Sendable (Bool) -> Void = { _ in }
  ) {
    self.source = source
    self.digest = digest
    expectedByteCount = byteCount
    self.subject = subject
    self.report = report
    hasher = ContentHasher(digest.algorithm)
  }

  /// See `ByteSource`.
  ///
  /// - Throws: `ContentMismatch` as soon as the bytes are known to be others.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try source.read(into: buffer)
    byteCount += Int64(count)
    guard expectedByteCount < 0 || byteCount <= expectedByteCount else { throw mismatch(found: nil) }
    if count > 0 {
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
      return count
    }
    guard expectedByteCount < 0 || byteCount == expectedByteCount else { throw mismatch(found: nil) }
    let found = hasher.copy().finalize()
    guard found == digest else { throw mismatch(found: found) }
    report(true)
    return 0
  }

  private func mismatch(found: Digest?) -> ContentMismatch {
    report(false)
    return ContentMismatch(
      subject: subject, expected: digest, found: found,
      expectedByteCount: found == nil ? expectedByteCount : nil, foundByteCount: byteCount)
  }
}
