import ArchiveIO
import OCIModel
import OrderedJSON

/// Learns every layer's facts by decompressing it, ahead of the writer and on another core.
final class LayerMeasurer: Sendable {
  private let jobs: [Promise<LayerFacts>]
  private let worker = Worker()

  init(_ layers: [Layer], decompressing: Bool) {
    let jobs = layers.map { _ in Promise<LayerFacts>() }
    self.jobs = jobs
    // A worker skips what follows a failure; each promise carries its own, so that the writer meets it in its turn.
    for (layer, job) in zip(layers, jobs) {
      try? worker.submit { job.fulfil(Result { try Self.measure(layer, decompressing: decompressing) }) }
    }
  }

  func facts(_ layer: Layer, _ index: Int) throws -> (facts: LayerFacts, isGuess: Bool) {
    (try jobs[index].value(), false)
  }

  static func measure(_ layer: Layer, decompressing: Bool) throws -> LayerFacts {
    try layer.content.waitUntilComplete()
    let content = try UncompressedLayer(layer, hashingOn: Worker(), decompressing: decompressing)
    let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 4))
    while true {
      let part = try filler.append { try content.read(into: $0) }
      if part.byteCount == 0 { return try content.facts() }
      try content.hash(part)
    }
  }
}

/// A guess of each layer's facts that is nearly always right.
///
/// The digest comes from the image's configuration. The size is the last field of a gzip member, modulo 2³² and of the last member
/// only; for zstd it is in the frame's header when the compressor knew it. A guess is checked by whoever uses it.
struct LayerGuess {
  let config: [UInt8]
  let decompressing: Bool

  func facts(_ layer: Layer, _ index: Int) throws -> (facts: LayerFacts, isGuess: Bool) {
    let stored = BufferedSource(try layer.content.open())
    try layer.content.waitUntilComplete()
    let start = try stored.peek(Compression.signatureByteCount)
    let storedSize = try layer.content.byteCount()
    guard decompressing, Compression(firstBytes: start) != .none else {
      return (LayerFacts(diffID: layer.descriptor.digest, byteCount: storedSize), false)
    }
    let diffIDs = (try? ImageConfig(config))?.diffIDs ?? []
    guard index < diffIDs.count, Compression(firstBytes: start) == .gzip else {
      return (try LayerMeasurer.measure(layer, decompressing: true), false)
    }
    let end = try layer.content.suffix(4)
    let byteCount = end.reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
    return (LayerFacts(diffID: diffIDs[index], byteCount: byteCount), true)
  }
}
