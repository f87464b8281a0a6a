import ArchiveIO
import Hashing
import OCIModel

/// One layer that is to be checked.
struct LayerCheck: Sendable {
  /// Layers of several images that are the same check.
  struct Key: Hashable {
    var digest: Digest
    var diffID: Digest?
    var byteCount: Int64
  }

  let descriptor: Descriptor
  /// The digest of the uncompressed bytes, where the config tells it.
  let diffID: Digest?
  let image: String
  let number: Int
  let count: Int
  /// Whether this is a layer of a container's file system.
  let isImage: Bool

  var subject: String { "layer \(number) of \(count)" }

  /// Layers that registries may leave out need not be in a layout either.
  func mayBeMissing(_ error: any Error) -> Bool {
    guard descriptor.mediaType.isForeignLayer, let error = error as? ImageArchiveError,
      case .missing = error.problem
    else { return false }
    return true
  }

  /// Reads all of `content`; what is wrong with the stored bytes is thrown.
  func findings(
    in content: any BlobContent, progress: @escaping @Sendable (Int) -> Void
  ) throws -> [ImageFinding] {
    let stored = BufferedSource(CountingSource(try content.open(), progress: progress))
    let compression =
      isImage ? Compression(firstBytes: try stored.peek(Compression.signatureByteCount)) : .none
    var findings: [ImageFinding] = []
    if isImage, let told = descriptor.mediaType.layerEncoding, told != compression.layerEncoding {
      findings.append(finding("media type", "\(descriptor.mediaType)", "\(compression) data"))
    }
    do {
      let found = try digest(of: compression.decompress(stored), isStored: compression == .none)
      if let diffID, let found, found != diffID {
        findings.append(finding("diff ID", "\(diffID)", "\(found)"))
      }
    } catch let error as DecompressionError {
      // Bytes that are not the right ones are the reason more often than not.
      try drain(stored)
      findings.append(finding("content", "\(compression) data", "\(error)"))
    }
    return findings
  }

  private func finding(_ field: String, _ expected: String, _ found: String) -> ImageFinding {
    ImageFinding(image: image, layer: number, field: field, expected: expected, found: found)
  }

  /// The digest of everything in `source`, computed on another thread; nil when nobody wants it.
  ///
  /// Stored bytes have been hashed while they were read.
  private func digest(of source: any ByteSource, isStored: Bool) throws -> Digest? {
    let isKnown = isStored && diffID?.algorithm == descriptor.digest.algorithm
    let stage = diffID.flatMap { isKnown ? nil : HashStage($0.algorithm, on: Worker()) }
    let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 4))
    while true {
      let part = try filler.append { try source.read(into: $0) }
      if part.byteCount == 0 { break }
      try stage?.update(part)
    }
    return try stage?.digest() ?? (isKnown ? descriptor.digest : nil)
  }

  private func drain(_ source: BufferedSource) throws {
    while true {
      let count = try source.peek(1).count
      if count == 0 { return }
      source.skip(count)
    }
  }
}

/// Tells of the bytes that pass.
private final class CountingSource: ByteSource {
  private let source: any ByteSource
  private let progress: @Sendable (Int) -> Void

  init(_ source: any ByteSource, progress: @escaping @Sendable (Int) -> Void) {
    self.source = source
    self.progress = progress
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try source.read(into: buffer)
    progress(count)
    return count
  }
}

extension Compression {
  /// The encoding that a media type would name; nil when none can.
  fileprivate var layerEncoding: LayerEncoding? {
    switch self {
    case .none: .uncompressed
    case .gzip: .gzip
    case .zstd: .zstd
    case .bzip2, .xz: nil
    }
  }
}
