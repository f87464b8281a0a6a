import ArchiveIO
import Hashing
import OCIModel

/// An archive in a file: layers are written as they come, and their headers afterwards.
final class PatchedArchive: LayeredArchive {
  private let file: DirectFile
  private let writer: BlockWriter
  private let layerHashing = Worker()
  private let digester: FileDigester?
  private let progress: @Sendable (Int) -> Void

  init(_ file: DirectFile, computesDigest: Bool, progress: @escaping @Sendable (Int) -> Void) {
    self.file = file
    writer = BlockWriter(file, pool: BlockPool(blockSize: 1 << 20, limit: 8))
    digester = computesDigest ? FileDigester(file) : nil
    self.progress = progress
  }

  func append(_ bytes: [UInt8]) throws { try writer.append(bytes) }

  func append(
    _ layer: Layer, index: Int, era: DockerArchiveEra, unlessWritten written: Set<Digest>
  ) throws -> Digest {
    let start = writer.position
    // A header takes one block, or three when the size or the name needs an extended one; that shows only afterwards.
    var headerSize = TarHeader.blockSize
    while true {
      do {
        try writer.append([UInt8](repeating: 0, count: headerSize))
        let facts = try copy(layer, decompressing: era != .first)
        if written.contains(facts.diffID) {
          try writer.rewind(to: start)
          return facts.diffID
        }
        let header = TarHeader(layer: facts, era: era).encoded()
        if header.count == headerSize {
          writer.patch(header, at: start)
          try writer.pad(to: TarHeader.blockSize)
          try hashSoFar()
          return facts.diffID
        }
        headerSize = header.count
      } catch is SpoolRestarted {
        layerHashing.reset()
      }
      try writer.rewind(to: start)
    }
  }

  private func copy(_ layer: Layer, decompressing: Bool) throws -> LayerFacts {
    let content = try UncompressedLayer(layer, hashingOn: layerHashing, decompressing: decompressing)
    while true {
      let part = try writer.append { try content.read(into: $0) }
      if part.byteCount == 0 { break }
      try content.hash(part)
      progress(part.byteCount)
    }
    return try content.facts()
  }

  private func hashSoFar() throws {
    guard let digester else { return }
    try writer.flush()
    try digester.advance(to: writer.position)
  }

  func finish() throws -> (byteCount: Int64, digest: Digest?) {
    try writer.finish()
    try digester?.advance(to: writer.position)
    return (writer.position, try digester?.digest())
  }
}

/// The digest of a file that grows, computed behind the writer on a thread of its own.
///
/// It reads the file again, because a header at the beginning is known last. Read directly, that costs the disk more than the
/// processor, and it happens while the next layer is decompressed.
final class FileDigester: @unchecked Sendable {
  // Unchecked: everything but `worker` is used by its jobs only, one after another, and while it rests.
  private let file: DirectFile
  private let worker = Worker()
  private let pool = BlockPool(blockSize: 1 << 20, limit: 1)
  private var hasher = ContentHasher()
  private var position: Int64 = 0

  init(_ file: DirectFile) { self.file = file }

  /// Adds everything up to `end`, which must be final.
  func advance(to end: Int64) throws { try worker.submit { [self] in try hash(to: end) } }

  func digest() throws -> Digest {
    try worker.finish()
    return hasher.copy().finalize()
  }

  private func hash(to end: Int64) throws {
    while position < end {
      let part = try pool.take().read(from: file, at: position, upTo: end)
      part.withBytes { hasher.update($0) }
      position += Int64(part.byteCount)
    }
  }
}
