import ArchiveIO
import ImageArchive
import SystemPackage

/// Bytes in order, for a pipe; or for nobody, when only the digests are wanted.
final class LayeredPipe: LayeredTarget {
  private(set) var byteCount: Int64 = 0
  private let descriptor: FileDescriptor?
  private let memory: LayerMemory?
  private let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 6))
  private let writing = Worker()

  init(_ descriptor: FileDescriptor?, memory: LayerMemory?) {
    self.descriptor = descriptor
    descriptor?.enlargePipe()
    self.memory = memory
  }

  func append(_ bytes: [UInt8]) throws { _ = try append(ArraySource(bytes)) }

  func append(_ parts: [LayeredImage.Part], begin: (LayeredImage.Part) -> Void) throws -> [LayerFacts] {
    let survey = LayerSurvey(parts, memory: memory)
    defer { survey.stop() }
    var layers: [LayerFacts] = []
    for (index, part) in parts.enumerated() {
      begin(part)
      let facts = try survey.facts(at: index)
      try append(part.header(for: facts).encoded(.python))
      if descriptor == nil {
        byteCount += facts.byteCount
      } else if let recipe = part.recipe, try append(recipe.open()) != facts.byteCount {
        try RememberedLayer(recipe, in: memory).forget()
        throw LayeredImageError.layerChanged(index + 1)
      }
      try append([UInt8](repeating: 0, count: TarHeader.padding(after: facts.byteCount)))
      layers.append(facts)
    }
    return layers
  }

  func finish() throws { try writing.finish() }

  private func append(_ source: any ByteSource) throws -> Int64 {
    var count: Int64 = 0
    while true {
      let part = try filler.append { try source.read(into: $0) }
      if part.byteCount == 0 { break }
      count += Int64(part.byteCount)
      if let descriptor { try writing.submit { try part.write(to: descriptor) } }
    }
    byteCount += count
    return count
  }
}
