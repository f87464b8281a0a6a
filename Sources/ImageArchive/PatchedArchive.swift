import ArchiveIO
import Hashing
import OCIModel

/// An archive in a file: layers are written as they come, and their headers afterwards.
///
/// Several layers are decompressed side by side. Where a layer begins depends on the sizes of those before it, which are guessed from the ends of
/// their compressed bytes; what was written behind a wrong guess is written again.
final class PatchedArchive: LayeredArchive {
  private let writer: BlockWriter
  private let lanes: [LayerLane]
  private let digester: FileDigester?

  init(_ file: DirectFile, computesDigest: Bool, progress: @escaping @Sendable (Int) -> Void) {
    writer = BlockWriter(file, pool: BlockPool(blockSize: 1 << 20, limit: 2))
    lanes = (0..<Thread.width).map { _ in LayerLane(file, progress: progress) }
    digester = computesDigest ? FileDigester(file) : nil
  }

  func append(_ bytes: [UInt8]) throws { try writer.append(bytes) }

  func append(_ layers: [Layer], era: DockerArchiveEra) throws -> [Digest] {
    var diffIDs: [Digest] = []
    while diffIDs.count < layers.count {
      diffIDs += try appendSideBySide(Array(layers[diffIDs.count...]), era: era, written: Set(diffIDs))
      guard diffIDs.count < layers.count else { break }
      diffIDs.append(try append(layers[diffIDs.count], era: era, written: Set(diffIDs)))
    }
    return diffIDs
  }

  func finish() throws -> (byteCount: Int64, digest: Digest?) {
    try writer.finish()
    try digester?.advance(to: writer.position)
    return (writer.position, try digester?.digest())
  }

  // MARK: One by one

  /// Appends one layer, unless its digest is among `written`, and returns the digest.
  private func append(_ layer: Layer, era: DockerArchiveEra, written: Set<Digest>) throws -> Digest {
    let start = writer.position
    // A header takes one block, or three when the size or the name needs an extended one; that shows only afterwards.
    var headerSize = TarHeader.blockSize
    var isChecked = false
    while true {
      do {
        try writer.flush()
        let result = try lanes[0].write(layer, at: start, headerSize: headerSize, era: era)
        if written.contains(result.facts.diffID) { return result.facts.diffID }
        if result.headerSize == headerSize {
          try advance(to: result.end)
          return result.facts.diffID
        }
        headerSize = result.headerSize
      } catch is SpoolRestarted {
      } catch is DecompressionError where !isChecked {
        // Bytes that nobody has checked yet may be wrong, and be replaced: only a complete layer is damaged.
        try layer.content.waitUntilComplete()
        isChecked = true
      }
    }
  }

  private func advance(to end: Int64) throws {
    try writer.seek(to: end)
    try digester?.advance(to: end)
  }

  // MARK: Side by side

  /// Appends as many of `layers` as can be done without knowing better than the guesses, and returns their digests.
  private func appendSideBySide(
    _ layers: [Layer], era: DockerArchiveEra, written: Set<Digest>
  ) throws -> [Digest] {
    guard lanes.count > 1, layers.count > 1, era != .first else { return [] }
    try writer.flush()
    let free = Supply(lanes)
    var jobs: [Promise<LayerLane.Outcome>] = []
    /// Where layers begin, by the guesses: as many as were begun, and one more unless there is no guess.
    var starts = [writer.position]
    while jobs.count < min(layers.count, starts.count) {
      let (layer, start) = (layers[jobs.count], starts[jobs.count])
      let lane = free.take()
      jobs.append(lane.begin(layer, at: start, era: era) { free.put(back: lane) })
      if jobs.count < layers.count, let size = try? LayerGuess.byteCount(of: layer) {
        let member = Int64(TarHeader.blockSize) + size + Int64(TarHeader.padding(after: size))
        starts.append(start + member)
      }
    }
    return try accept(jobs, limits: starts.dropFirst() + [.max], written: written)
  }

  /// The digests of the layers that are where they should be, up to the first that is not.
  ///
  /// That one and those behind it are done again, one by one: a layer that is longer than it was guessed to be, for instance, was written over
  /// by the next.
  private func accept(
    _ jobs: [Promise<LayerLane.Outcome>], limits: [Int64], written: Set<Digest>
  ) throws -> [Digest] {
    var written = written
    var diffIDs: [Digest] = []
    for (job, limit) in zip(jobs, limits) {
      guard let outcome = try? job.value(), outcome.start == writer.position, outcome.end <= limit,
        outcome.headerSize == TarHeader.blockSize, written.insert(outcome.facts.diffID).inserted
      else { break }
      try advance(to: outcome.end)
      diffIDs.append(outcome.facts.diffID)
    }
    jobs.forEach { _ = try? $0.value() }
    return diffIDs
  }
}
