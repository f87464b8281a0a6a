import ArchiveIO
import Hashing
import OCIModel

/// What a new manifest says of a layer in a docker-archive.
struct MeasuredLayer: Sendable {
  var encoding: LayerEncoding
  var digest: Digest
  var byteCount: Int64
  var part: DockerArchiveImage.Part
  /// Where the layer is in the archive.
  var offset: Int64 { part.range.offset }

  /// Looks at how the layer is stored.
  ///
  /// Uncompressed bytes have the digest that the config gives, which is checked when they are read; so have those under `blobs/`, whose
  /// name is their digest. Other compressed bytes are hashed. There is no type for bzip2 and xz, so these layers are
  /// their decompressed bytes, whose number is learnt by decompressing.
  init(_ layer: DockerArchiveContents.StoredLayer) throws {
    let range = layer.range
    let compression = Compression(firstBytes: try range.prefix(Compression.signatureByteCount))
    part = DockerArchiveImage.Part(range: range)
    encoding = .uncompressed
    digest = layer.diffID
    byteCount = range.byteCount
    switch compression {
    case .none: return
    case .gzip, .zstd:
      encoding = compression == .gzip ? .gzip : .zstd
      if let named = Self.digest(namedBy: layer.name) {
        digest = named
      } else {
        digest = try Self.measure(range.open(), .sha256).digest
      }
    case .bzip2, .xz:
      part.compression = compression
      let source = try compression.decompress(BufferedSource(range.open()))
      let found = try Self.measure(source, layer.diffID.algorithm)
      guard found.digest == layer.diffID else {
        throw ContentMismatch(
          subject: layer.subject, expected: layer.diffID, found: found.digest, expectedByteCount: nil,
          foundByteCount: found.byteCount)
      }
      byteCount = found.byteCount
    }
  }

  private static func digest(namedBy name: String) -> Digest? {
    let parts = String(decoding: MemberName(name).bytes, as: UTF8.self).split(separator: "/")
    guard parts.count == 3, parts[0] == "blobs" else { return nil }
    return try? Digest(parsing: "\(parts[1]):\(parts[2])")
  }

  private static func measure(
    _ source: any ByteSource, _ algorithm: DigestAlgorithm
  ) throws -> (digest: Digest, byteCount: Int64) {
    let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 2))
    var hasher = ContentHasher(algorithm)
    var byteCount: Int64 = 0
    while true {
      let part = try filler.append { try source.read(into: $0) }
      if part.byteCount == 0 { return (hasher.finalize(), byteCount) }
      part.withBytes { hasher.update($0) }
      byteCount += Int64(part.byteCount)
    }
  }
}
