import ArchiveIO
import ImageArchive
import OCIModel
import Synchronization

/// Learns the digests of layers ahead of the writer, several at once.
final class LayerSurvey: Sendable {
  private let promises: [Promise<LayerFacts>]
  private let position = Atomic(0)

  /// Begins to measure `parts`, in order; what `memory` knows is not measured.
  init(_ parts: [LayeredImage.Part], memory: LayerMemory?) {
    promises = parts.map { _ in Promise<LayerFacts>() }
    let width = max(1, min(Thread.width, parts.count))
    for _ in 0..<width {
      Thread.detach { [self] in
        while let index = next() {
          promises[index].fulfil(Result { try parts[index].facts(memory: memory) })
        }
      }
    }
  }

  /// What is known of the layer at that place, as soon as it is.
  func facts(at index: Int) throws -> LayerFacts { try promises[index].value() }

  /// Lets the threads end after the layers that they are at.
  func stop() { position.store(promises.count, ordering: .relaxed) }

  private func next() -> Int? {
    let index = position.add(1, ordering: .relaxed).oldValue
    return index < promises.count ? index : nil
  }
}

extension LayeredImage.Part {
  /// The layer's digest and size: remembered, or learnt by making it once.
  fileprivate func facts(memory: LayerMemory?) throws -> LayerFacts {
    guard let recipe else {
      guard let promised else { preconditionFailure("a link has no digest of its own") }
      return LayerFacts(diffID: promised, byteCount: 0)
    }
    if let facts = self.facts { return facts }
    let remembered = try RememberedLayer(recipe, in: memory)
    if let known = remembered.facts { return known }
    let facts = try recipe.measure()
    try check(facts)
    remembered.remember(facts)
    return facts
  }

  /// Compares a digest with what was promised.
  func check(_ facts: LayerFacts) throws {
    guard let promised, promised != facts.diffID else { return }
    throw ContentMismatch(
      subject: "the layer of \(comment)", expected: promised, found: facts.diffID, expectedByteCount: nil,
      foundByteCount: facts.byteCount)
  }
}
