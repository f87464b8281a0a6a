import ArchiveIO
import Hashing
import ImageArchive
import Synchronization

/// A file: layers are made side by side at places that their sizes give, and their headers are put in front afterwards.
final class LayeredFile: LayeredTarget {
  var byteCount: Int64 { writer.position }
  private let file: DirectFile
  private let memory: LayerMemory?
  private let writer: BlockWriter

  init(_ file: DirectFile, memory: LayerMemory?) {
    self.file = file
    self.memory = memory
    writer = BlockWriter(file, pool: BlockPool(blockSize: 1 << 20, limit: 2))
  }

  func append(_ bytes: [UInt8]) throws { try writer.append(bytes) }

  func append(_ parts: [LayeredImage.Part], begin: (LayeredImage.Part) -> Void) throws -> [LayerFacts] {
    try writer.flush()
    let pools = Supply((0..<Thread.width).map { _ in BlockPool(blockSize: 1 << 20, limit: 4) })
    let hasFailed = Flag()
    var start = writer.position
    var jobs: [Promise<LayerFacts>] = []
    for (index, part) in parts.enumerated() where !hasFailed.isSet {
      begin(part)
      let pool = pools.take()
      let job = Promise<LayerFacts>()
      jobs.append(job)
      let layer = Result { try PlacedLayer(part, number: index + 1, at: start, memory: memory) }
      start = (try? layer.get().end) ?? start
      Thread.detach { [file] in
        let facts = Result { try layer.get().write(to: file, pool: pool) }
        if case .failure = facts { hasFailed.set() }
        pools.put(back: pool)
        job.fulfil(facts)
      }
    }
    // All must have ended before the file may go.
    let outcomes = jobs.map { job in Result { try job.value() } }
    let layers = try outcomes.map { try $0.get() }
    try writer.seek(to: start)
    return layers
  }

  func finish() throws { try writer.finish() }
}

/// Something that has happened or not.
private final class Flag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set() { value.store(true, ordering: .relaxed) }
}

/// A layer that has its place in the file.
private struct PlacedLayer: Sendable {
  private let part: LayeredImage.Part
  private let number: Int
  private let start: Int64
  private let byteCount: Int64
  private let headerSize: Int
  private let remembered: RememberedLayer
  /// What nobody needs to learn again.
  private let known: LayerFacts?

  /// Where the next member begins.
  var end: Int64 { start + Int64(headerSize) + byteCount + Int64(TarHeader.padding(after: byteCount)) }

  init(_ part: LayeredImage.Part, number: Int, at start: Int64, memory: LayerMemory?) throws {
    self.part = part
    self.number = number
    self.start = start
    remembered = try RememberedLayer(part.recipe, in: memory)
    known = part.facts ?? remembered.facts
    byteCount = try known?.byteCount ?? part.recipe?.byteCount() ?? 0
    // Any digest has the same length.
    let sample = LayerFacts(diffID: part.promised ?? Digest(of: []), byteCount: byteCount)
    headerSize = part.header(for: sample).encoded(.python).count
  }

  func write(to file: DirectFile, pool: BlockPool) throws -> LayerFacts {
    let writer = BlockWriter(file, pool: pool, at: start)
    do {
      let facts = try write(with: writer)
      if remembered.facts == nil { remembered.remember(facts) }
      return facts
    } catch {
      writer.abandon()
      remembered.forget()
      throw error
    }
  }

  private func write(with writer: BlockWriter) throws -> LayerFacts {
    try writer.append([UInt8](repeating: 0, count: headerSize))
    let digest = try part.recipe.map { try copy($0, to: writer) } ?? part.promised
    guard let digest else { preconditionFailure("a link has no digest of its own") }
    let facts = LayerFacts(diffID: digest, byteCount: byteCount)
    try part.check(facts)
    writer.patch(part.header(for: facts).encoded(.python), at: start)
    try writer.pad(to: TarHeader.blockSize)
    try writer.flush()
    return facts
  }

  /// Writes the layer's bytes and gives its digest.
  private func copy(_ recipe: any LayerRecipe, to writer: BlockWriter) throws -> Digest {
    let contentStart = writer.position
    let source = try recipe.open()
    let isHashed = known == nil && !recipe.isCompressed
    var hasher = ContentHasher(.sha256)
    while true {
      let piece = try writer.append { try source.read(into: $0) }
      if piece.byteCount == 0 { break }
      if isHashed { piece.withBytes { hasher.update($0) } }
    }
    guard writer.position - contentStart == byteCount else { throw LayeredImageError.layerChanged(number) }
    if let known { return known.diffID }
    return isHashed ? hasher.finalize() : try recipe.measure().diffID
  }
}
