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
    lanes = (0..<LayerLane.count).map { _ in LayerLane(file, progress: progress) }
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
      } catch is SpoolRestarted {}
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
    var written = written
    var diffIDs: [Digest] = []
    var running: [(job: Promise<LayerLane.Outcome>, lane: LayerLane)] = []
    var free = lanes
    /// Where layers begin, by the guesses: one more than were begun, unless there is no guess.
    var starts = [writer.position]
    var begun = 0
    while begun < min(layers.count, starts.count) || !running.isEmpty {
      if begun < min(layers.count, starts.count), let lane = free.popLast() {
        running.append((lane.begin(layers[begun], at: starts[begun], era: era), lane))
        if begun + 1 < layers.count, let size = try? LayerGuess.byteCount(of: layers[begun]) {
          let member = Int64(TarHeader.blockSize) + size + Int64(TarHeader.padding(after: size))
          starts.append(starts[begun] + member)
        }
        begun += 1
        continue
      }
      let (job, lane) = running.removeFirst()
      free.append(lane)
      // A layer that is longer than it was guessed to be was written over by the next one.
      let limit = diffIDs.count + 1 < begun ? starts[diffIDs.count + 1] : .max
      guard let outcome = try? job.value(), outcome.start == writer.position, outcome.end <= limit,
        outcome.headerSize == TarHeader.blockSize, written.insert(outcome.facts.diffID).inserted
      else {
        // This layer and those behind it are not where they should be, or failed: they are done again, one by one.
        running.forEach { _ = try? $0.job.value() }
        break
      }
      try advance(to: outcome.end)
      diffIDs.append(outcome.facts.diffID)
    }
    return diffIDs
  }
}
