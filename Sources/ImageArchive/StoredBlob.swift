public import ArchiveIO
import Hashing
public import OCIModel
import Synchronization

/// A blob that is a file, or a range of one: its bytes are checked whenever they are read.
public final class StoredBlob: BlobContent {
  /// What the bytes must be.
  public let descriptor: Descriptor
  /// What the blob is, for messages: `layer 2 of 5`.
  public let subject: String
  private let compression: Compression
  private let range: @Sendable () throws -> FileRange
  private let isChecked = Atomic(false)

  /// The bytes of `range`, opened when they are needed.
  ///
  /// `compression` is taken off first: the blob is what is inside.
  public init(
    _ descriptor: Descriptor, subject: String, compression: Compression = .none,
    range: @escaping @Sendable () throws -> FileRange
  ) {
    self.descriptor = descriptor
    self.subject = subject
    self.compression = compression
    self.range = range
  }

  /// See `BlobContent`.
  ///
  /// - Throws: `ContentMismatch` when the file has another length; reading throws it when the digest is another.
  public func open() throws -> any ByteSource {
    let range = try range()
    if compression != .none {
      return CheckedSource(try compression.decompress(BufferedSource(range.open())), for: self)
    }
    try check(byteCountOf: range)
    return CheckedSource(range.open(), for: self)
  }

  /// Where the bytes are, for a sender whose receiver checks the digest; nil when they must be decompressed first.
  ///
  /// - Throws: `ContentMismatch` when the file has another length.
  public func storedRange() throws -> FileRange? {
    guard compression == .none else { return nil }
    let range = try range()
    try check(byteCountOf: range)
    return range
  }

  private func check(byteCountOf range: FileRange) throws(ContentMismatch) {
    guard descriptor.byteCount < 0 || range.byteCount == descriptor.byteCount else {
      throw ContentMismatch(
        subject: subject, expected: descriptor.digest, found: nil, expectedByteCount: descriptor.byteCount,
        foundByteCount: range.byteCount)
    }
  }

  /// Reads everything, unless that was done before.
  public func waitUntilComplete() throws {
    guard !isChecked.load(ordering: .relaxed) else { return }
    let source = try open()
    let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 2))
    while try filler.append({ try source.read(into: $0) }).byteCount > 0 {}
  }

  /// The number of bytes, not checked.
  public func byteCount() throws -> Int64 {
    compression == .none || descriptor.byteCount < 0 ? try range().byteCount : descriptor.byteCount
  }

  /// The last bytes, not checked.
  public func suffix(_ count: Int) throws -> [UInt8] {
    if compression == .none { return try range().suffix(count) }
    let source = BufferedSource(try open())
    var last: [UInt8] = []
    while true {
      let piece = try source.peek(1)
      if piece.isEmpty { return last }
      last = Array((last + piece.suffix(count)).suffix(count))
      source.skip(piece.count)
    }
  }

  fileprivate func markChecked() { isChecked.store(true, ordering: .relaxed) }
}

/// Hashes bytes while they are read; the end is only reached when they are the right ones.
private final class CheckedSource: ByteSource {
  private let source: any ByteSource
  private let blob: StoredBlob
  private var hasher: ContentHasher
  private var byteCount: Int64 = 0

  init(_ source: any ByteSource, for blob: StoredBlob) {
    self.source = source
    self.blob = blob
    hasher = ContentHasher(blob.descriptor.digest.algorithm)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try source.read(into: buffer)
    byteCount += Int64(count)
    let expected = blob.descriptor.byteCount
    guard expected < 0 || byteCount <= expected else { throw mismatch(found: nil) }
    if count > 0 {
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
      return count
    }
    guard expected < 0 || byteCount == expected else { throw mismatch(found: nil) }
    let found = hasher.copy().finalize()
    guard found == blob.descriptor.digest else { throw mismatch(found: found) }
    blob.markChecked()
    return 0
  }

  private func mismatch(found: Digest?) -> ContentMismatch {
    ContentMismatch(
      subject: blob.subject, expected: blob.descriptor.digest, found: found,
      expectedByteCount: found == nil ? blob.descriptor.byteCount : nil, foundByteCount: byteCount)
  }
}
