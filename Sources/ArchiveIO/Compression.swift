/// How bytes may be compressed.
public enum Compression: String, Sendable, CaseIterable {
  case none
  case gzip = "gz"
  case zstd
  case bzip2 = "bz2"
  case xz

  /// The number of bytes that `init(firstBytes:)` looks at.
  public static let signatureByteCount = 6

  /// Recognises a compressed stream by how it begins, as containers/image does (docker-archive-bytes.md, "Layers").
  public init(firstBytes bytes: some Collection<UInt8>) {
    let start = Array(bytes.prefix(Self.signatureByteCount))
    self = Self.signatures.first { start.starts(with: $0.bytes) }?.compression ?? .none
  }

  private static let signatures: [(bytes: [UInt8], compression: Compression)] = [
    ([0x1f, 0x8b, 0x08], .gzip),
    ([0x28, 0xb5, 0x2f, 0xfd], .zstd),
    ([0x42, 0x5a, 0x68], .bzip2),
    ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], .xz),
  ]

  /// The decompressed bytes of `source`, whose window still stands at the first compressed byte.
  ///
  /// The source throws `DecompressionError` when the data is damaged, cut, or followed by something else.
  public func decompress(_ source: BufferedSource) throws -> any ByteSource {
    switch self {
    case .none: source
    case .gzip: GzipSource(source)
    case .zstd: try ZstdSource(source)
    case .bzip2, .xz: try LibarchiveSource(source, self)
    }
  }
}

/// Compressed data that cannot be decompressed.
public struct DecompressionError: Error, Hashable, CustomStringConvertible {
  /// The supposed compression.
  public let compression: Compression
  /// What is wrong.
  public let reason: String

  /// An error in a stream of `compression`.
  public init(_ compression: Compression, _ reason: String) {
    self.compression = compression
    self.reason = reason
  }

  /// One line for people.
  public var description: String { "damaged \(compression) data: \(reason)" }
}

/// How long compressing may take.
public enum CompressionEffort: Sendable {
  /// As small as the layers that skopeo makes, in half the time.
  case layer
  /// As small as what `pigz` makes, in a third of the time.
  case archive
}

extension Compression {
  /// The bytes of `source`, compressed: the same bytes on every machine.
  ///
  /// - Precondition: `self` is `none`, `gzip` or `zstd`.
  public func compress(
    _ source: any ByteSource, _ effort: CompressionEffort
  ) throws -> any ByteSource {
    switch self {
    case .none: source
    case .gzip: GzipCompressor(source, effort)
    case .zstd: try ZstdCompressor(source)
    case .bzip2, .xz: preconditionFailure("nothing is compressed with \(self)")
    }
  }
}
