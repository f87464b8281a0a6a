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
      return checked(try compression.decompress(BufferedSource(range.open())))
    }
    try check(byteCountOf: range)
    return checked(range.open())
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

  private func checked(_ source: any ByteSource) -> CheckedSource {
    CheckedSource(source, digest: descriptor.digest, byteCount: descriptor.byteCount, subject: subject) {
      [self] isRight in
      if isRight { isChecked.store(true, ordering: .relaxed) }
    }
  }
}
