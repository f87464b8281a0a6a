import ArchiveIO
import Hashing
import OCIModel

/// An archive that is written from front to back, so that each layer's facts are needed before its bytes.
final class SequentialArchive: LayeredArchive {
  /// Facts of a layer; `isGuess` when they may be wrong.
  typealias Facts = (Layer) throws -> (facts: LayerFacts, isGuess: Bool)

  private let target: any SequentialTarget
  private let facts: Facts
  private let progress: @Sendable (Int) -> Void
  private let layerHashing = Worker()
  private let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 8))
  private var byteCount: Int64 = 0

  init(_ target: any SequentialTarget, facts: @escaping Facts, progress: @escaping @Sendable (Int) -> Void) {
    self.target = target
    self.facts = facts
    self.progress = progress
  }

  func append(_ bytes: [UInt8]) throws {
    let source = ArraySource(bytes)
    while true {
      let part = try filler.append { try source.read(into: $0) }
      if part.byteCount == 0 { break }
      try target.take(part)
    }
    byteCount += Int64(bytes.count)
  }

  func append(_ layers: [Layer], era: DockerArchiveEra) throws -> [Digest] {
    var diffIDs: [Digest] = []
    for layer in layers { diffIDs.append(try append(layer, era: era, unlessWritten: Set(diffIDs))) }
    return diffIDs
  }

  /// Appends a layer with its header and padding, unless its digest is among `written`, and returns its digest.
  private func append(
    _ layer: Layer, era: DockerArchiveEra, unlessWritten written: Set<Digest>
  ) throws -> Digest {
    var (facts, isGuess) = try facts(layer)
    let start = byteCount
    while true {
      // A guess is no reason to leave a layer out.
      if !isGuess, written.contains(facts.diffID) { return facts.diffID }
      let goBack = isGuess ? try target.makeReturn() : nil
      try append(TarHeader(layer: facts, era: era).encoded())
      let found = try copy(layer, decompressing: era != .first)
      if found == facts, !(isGuess && written.contains(found.diffID)) {
        try append([UInt8](repeating: 0, count: TarHeader.padding(after: facts.byteCount)))
        return facts.diffID
      }
      guard let goBack else { throw LayerChanged(digest: layer.descriptor.digest) }
      goBack()
      byteCount = start
      (facts, isGuess) = (found, false)
    }
  }

  private func copy(_ layer: Layer, decompressing: Bool) throws -> LayerFacts {
    let content = try UncompressedLayer(layer, hashingOn: layerHashing, decompressing: decompressing)
    while true {
      let part = try filler.append { try content.read(into: $0) }
      if part.byteCount == 0 { break }
      try content.hash(part)
      try target.take(part)
      progress(part.byteCount)
      byteCount += Int64(part.byteCount)
    }
    return try content.facts()
  }

  func finish() throws -> (byteCount: Int64, digest: Digest?) { (byteCount, try target.finish()) }
}

/// A layer that gave other bytes when it was read for the second time.
struct LayerChanged: Error, CustomStringConvertible {
  var digest: Digest
  var description: String { "layer \(digest) changed while it was being read" }
}
