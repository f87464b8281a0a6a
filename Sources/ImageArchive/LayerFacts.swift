import ArchiveIO
public import Hashing
import OCIModel

/// What an archive must say of a layer before its bytes.
public struct LayerFacts: Hashable, Sendable {
  /// The digest of the uncompressed bytes; for a blob that is stored uncompressed, the descriptor's own digest.
  public var diffID: Digest
  /// The number of uncompressed bytes.
  public var byteCount: Int64

  /// A layer's facts.
  public init(diffID: Digest, byteCount: Int64) {
    self.diffID = diffID
    self.byteCount = byteCount
  }
}

/// A layer's uncompressed bytes, with what is learnt on the way.
///
/// Compression is recognised by the first bytes and never by the media type (docker-archive-bytes.md, "Layers").
final class UncompressedLayer {
  private let layer: Layer
  private let compression: Compression
  private let source: any ByteSource
  private let hash: HashStage?
  private var byteCount: Int64 = 0

  /// Opens `layer`; its hash, where one is needed, is computed on the thread of `worker`.
  init(_ layer: Layer, hashingOn worker: Worker, decompressing: Bool = true) throws {
    self.layer = layer
    let stored = BufferedSource(try layer.content.open())
    let start = try stored.peek(Compression.signatureByteCount)
    compression = decompressing ? Compression(firstBytes: start) : .none
    source = try compression.decompress(stored)
    hash = compression == .none ? nil : HashStage(.sha256, on: worker)
  }

  /// Fills some of `space` and returns how much; 0 at the end.
  func read(into space: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try source.read(into: space)
    byteCount += Int64(count)
    return count
  }

  /// Adds bytes that were read to the digest.
  func hash(_ part: FilledPart) throws { try hash?.update(part) }

  /// What was learnt, once everything was read and hashed.
  func facts() throws -> LayerFacts {
    // The end of a blob is only reached when its digest was right.
    LayerFacts(diffID: try hash?.digest() ?? layer.descriptor.digest, byteCount: byteCount)
  }
}
