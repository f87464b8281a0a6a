import ArchiveIO
import Hashing
import OCIModel
import OrderedJSON

/// Learns every layer's facts by decompressing it, ahead of the writer and on another core.
final class LayerMeasurer: Sendable {
  private let jobs: [Digest: Promise<LayerFacts>]
  private let worker = Worker()

  init(_ layers: [Layer], decompressing: Bool) throws {
    var jobs: [Digest: Promise<LayerFacts>] = [:]
    for layer in layers where jobs[layer.descriptor.digest] == nil {
      let job = Promise<LayerFacts>()
      jobs[layer.descriptor.digest] = job
      // Each promise carries its own failure, so that the writer meets it in its turn.
      try worker.submit { job.fulfil(Result { try Self.measure(layer, decompressing: decompressing) }) }
    }
    self.jobs = jobs
  }

  func facts(of layer: Layer) throws -> (facts: LayerFacts, isGuess: Bool) {
    guard let job = jobs[layer.descriptor.digest] else { preconditionFailure("a layer of another image") }
    return (try job.value(), false)
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
/// The digest comes from the image's configuration. The size is the last field of a gzip member, modulo 2³² and of the last member only; for
/// zstd it is in the frame's header when the compressor knew it. A guess is checked by whoever uses it.
struct LayerGuess {
  private let diffIDs: [Digest: Digest]
  private let decompressing: Bool

  init(_ image: Image, decompressing: Bool) {
    let diffIDs = (try? ImageConfig(image.config))?.diffIDs ?? []
    self.diffIDs = Dictionary(zip(image.layers.map(\.descriptor.digest), diffIDs)) { first, _ in first }
    self.decompressing = decompressing
  }

  func facts(of layer: Layer) throws -> (facts: LayerFacts, isGuess: Bool) {
    // Opened before all bytes are here, a layer that starts again would have to be opened again, too.
    _ = try layer.content.byteCount()
    guard decompressing, let diffID = diffIDs[layer.descriptor.digest],
      let byteCount = try Self.byteCount(of: layer)
    else { return (try LayerMeasurer.measure(layer, decompressing: decompressing), false) }
    return (LayerFacts(diffID: diffID, byteCount: byteCount), true)
  }

  /// The number of uncompressed bytes, probably; nil when the stored bytes do not tell.
  ///
  /// May wait until they are all here.
  static func byteCount(of layer: Layer) throws -> Int64? {
    let stored = BufferedSource(try layer.content.open())
    switch Compression(firstBytes: try stored.peek(Compression.signatureByteCount)) {
    case .none: return try layer.content.byteCount()
    case .gzip: return try layer.content.suffix(4).reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
    case .zstd: return Compression.zstdContentSize(try stored.peek(Compression.zstdHeaderByteCount))
    case .bzip2, .xz: return nil
    }
  }
}
