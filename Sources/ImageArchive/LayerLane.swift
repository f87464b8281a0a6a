import ArchiveIO
import Hashing
import OCIModel

/// Decompresses layers into an archive, one after another: a thread that inflates, one that hashes, and one that writes.
final class LayerLane: Sendable {
  /// A layer that was written, with its header.
  struct Outcome: Sendable {
    var facts: LayerFacts
    /// Where its header begins, and the next member's.
    var start: Int64
    var end: Int64
    /// The number of bytes that its header needs.
    var headerSize: Int
  }

  private let file: DirectFile
  private let hashing = Worker()
  private let pool = BlockPool(blockSize: 1 << 20, limit: 6)
  private let progress: @Sendable (Int) -> Void

  init(_ file: DirectFile, progress: @escaping @Sendable (Int) -> Void) {
    self.file = file
    self.progress = progress
  }

  /// Writes `layer` at `start` on a thread of its own, and calls `end` when the lane may be used again.
  func begin(
    _ layer: Layer, at start: Int64, era: DockerArchiveEra, end: @escaping @Sendable () -> Void
  ) -> Promise<Outcome> {
    let promise = Promise<Outcome>()
    Thread.detach { [self] in
      let outcome = Result { try write(layer, at: start, headerSize: TarHeader.blockSize, era: era) }
      end()
      promise.fulfil(outcome)
    }
    return promise
  }

  /// Writes `layer` at `start`, after `headerSize` bytes for its header, and the header when it fits exactly.
  func write(_ layer: Layer, at start: Int64, headerSize: Int, era: DockerArchiveEra) throws -> Outcome {
    hashing.reset()
    let writer = BlockWriter(file, pool: pool, at: start)
    do {
      return try write(layer, with: writer, headerSize: headerSize, era: era)
    } catch {
      // The next attempt at this place must not be overtaken by this one.
      writer.abandon()
      throw error
    }
  }

  private func write(
    _ layer: Layer, with writer: BlockWriter, headerSize: Int, era: DockerArchiveEra
  ) throws -> Outcome {
    let start = writer.position
    try writer.append([UInt8](repeating: 0, count: headerSize))
    let content = try UncompressedLayer(layer, hashingOn: hashing, decompressing: era != .first)
    while true {
      let part = try writer.append { try content.read(into: $0) }
      if part.byteCount == 0 { break }
      try content.hash(part)
      progress(part.byteCount)
    }
    let facts = try content.facts()
    let header = TarHeader(layer: facts, era: era).encoded()
    if header.count == headerSize { writer.patch(header, at: start) }
    try writer.pad(to: TarHeader.blockSize)
    try writer.flush()
    return Outcome(facts: facts, start: start, end: writer.position, headerSize: header.count)
  }
}
