public import ArchiveIO

/// A small blob that is in memory, and was checked when it got there.
public struct BytesContent: BlobContent {
  private let bytes: [UInt8]

  /// A blob of these bytes.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// See `BlobContent`.
  public func open() throws -> any ByteSource { ArraySource(bytes) }

  /// See `BlobContent`.
  public func waitUntilComplete() throws {}

  /// See `BlobContent`.
  public func byteCount() throws -> Int64 { Int64(bytes.count) }

  /// See `BlobContent`.
  public func suffix(_ count: Int) throws -> [UInt8] { Array(bytes.suffix(count)) }
}
