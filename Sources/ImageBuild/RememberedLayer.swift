import ArchiveIO
import ImageArchive

/// What is remembered of a layer before it is made.
struct RememberedLayer: Sendable {
  /// Nil when nothing is.
  let facts: LayerFacts?
  private let fingerprint: String?
  private let memory: LayerMemory?

  /// Looks the layer up in `memory`.
  init(_ recipe: (any LayerRecipe)?, in memory: LayerMemory?) throws {
    self.memory = memory
    fingerprint = try memory == nil ? nil : recipe?.fingerprint()
    facts = fingerprint.flatMap { memory?.facts(for: $0) }
  }

  /// Keeps what was learnt by making the layer.
  func remember(_ facts: LayerFacts) { if let fingerprint { memory?.remember(facts, for: fingerprint) } }

  /// Forgets what turned out to be wrong.
  func forget() { if let fingerprint { memory?.forget(fingerprint) } }
}
