import ArchiveIO
import Hashing
import OCIModel

/// Gives layers another compression.
///
/// A descriptor names the digest of the compressed bytes, so they must exist before anybody can be told of them: they are kept in a file
/// without a name.
struct LayerCompressor {
  private let change: ImageCopy.LayerChange
  private let kind: ManifestKind
  private let scratch: BlobCache

  init(_ change: ImageCopy.LayerChange, kind: ManifestKind, scratch: BlobCache) {
    self.change = change
    self.kind = kind
    self.scratch = scratch
  }

  /// The layer, compressed as asked for; the same one when it is already.
  func change(_ layer: Layer, subject: String) async throws -> Layer {
    try await Thread.run { try changeNow(layer, subject: subject) }
  }

  private func changeNow(_ layer: Layer, subject: String) throws -> Layer {
    let stored = BufferedSource(try layer.content.open())
    let found = Compression(firstBytes: try stored.peek(Compression.signatureByteCount))
    guard let wanted = wanted(found), wanted != found else { return layer }
    let spool = try scratch.scratch().spool
    let source = try wanted.compress(found.decompress(stored), .layer)
    try spool.fill(from: source)
    let digest = try spool.digest()
    spool.complete()
    var descriptor = layer.descriptor
    descriptor.digest = digest
    descriptor.byteCount = spool.receivedByteCount
    guard let type = MediaType.layer(wanted.layerEncoding, in: kind) else {
      throw ConversionError(subject: subject, kind: kind)
    }
    descriptor.mediaType = type
    return Layer(
      descriptor: descriptor, content: SpooledBlob(descriptor: descriptor, subject: subject, spool: spool))
  }

  private func wanted(_ found: Compression) -> Compression? {
    switch change {
    case .keep: nil
    case .compressUncompressed: found == .none ? .gzip : nil
    case .all(.uncompressed): Compression.none
    case .all(.gzip): .gzip
    case .all(.zstd): .zstd
    }
  }

  /// Docker's manifests know no zstd.
  struct ConversionError: Error, CustomStringConvertible {
    var subject: String
    var kind: ManifestKind
    var description: String {
      "\(subject): Docker manifests have no type for zstd layers; use --format oci, or another compression"
    }
  }
}

extension Compression {
  fileprivate var layerEncoding: LayerEncoding {
    switch self {
    case .gzip: .gzip
    case .zstd: .zstd
    case .none, .bzip2, .xz: .uncompressed
    }
  }
}
