import ArchiveIO
import Hashing

/// A hash that is computed on another thread while its bytes go on.
final class HashStage: @unchecked Sendable {
  // Unchecked: the hasher is only used by jobs of `worker`, one after another, and while it rests.
  private var hasher: ContentHasher
  private let worker: Worker

  init(_ algorithm: DigestAlgorithm, on worker: Worker) {
    hasher = ContentHasher(algorithm)
    self.worker = worker
  }

  private init(_ hasher: consuming ContentHasher, on worker: Worker) {
    self.hasher = hasher
    self.worker = worker
  }

  func update(_ part: FilledPart) throws {
    try worker.submit { [self] in part.withBytes { hasher.update($0) } }
  }

  /// The digest so far.
  func digest() throws -> Digest {
    try worker.finish()
    return hasher.copy().finalize()
  }

  /// A stage that goes on from here by itself.
  func copy() throws -> HashStage {
    try worker.finish()
    return HashStage(hasher.copy(), on: worker)
  }
}
