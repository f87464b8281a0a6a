import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import Synchronization

/// A layer that is compressed when its bytes are wanted, once.
///
/// Compressed bytes go into a file without a name, since they are wanted again and compressing is what takes long. What is compressed is
/// checked against the diff ID on the way, which may have been remembered from a time when the layer was another.
final class CompressedRecipe: Sendable {
  private let recipe: any LayerRecipe
  private let diffID: Digest
  private let compression: Compression
  private let subject: String
  private let scratch: BlobCache
  private let forget: @Sendable () -> Void
  private let made = Mutex<Made?>(nil)

  private struct Made {
    let spool: Spool
    let facts: LayerFacts
  }

  /// The layer of `recipe`; `forget` is called when it turns out to be another than was remembered.
  init(
    _ recipe: any LayerRecipe, diffID: Digest, as compression: Compression, subject: String,
    scratch: BlobCache, forget: @escaping @Sendable () -> Void
  ) {
    self.recipe = recipe
    self.diffID = diffID
    self.compression = compression
    self.subject = subject
    self.scratch = scratch
    self.forget = forget
  }

  /// Whether the bytes are stored as they are made.
  var isPlain: Bool { compression == .none && !recipe.isCompressed }

  /// The digest and size of the compressed bytes.
  func compressNow() throws -> LayerFacts { try make().facts }

  /// The compressed bytes as a blob that must have this descriptor.
  func checked(for descriptor: Descriptor) -> any BlobContent {
    Content(recipe: self, descriptor: descriptor)
  }

  private func make() throws -> Made {
    try made.withLock { known in
      if let known { return known }
      let spool = try scratch.scratch().spool
      let stored = BufferedSource(try recipe.open())
      let found =
        recipe.isCompressed ? Compression(firstBytes: try stored.peek(Compression.signatureByteCount)) : .none
      try spool.fill(from: compression.compress(uncompressed(found.decompress(stored)), .layer))
      let facts = LayerFacts(diffID: try spool.digest(), byteCount: spool.receivedByteCount)
      spool.complete()
      let made = Made(spool: spool, facts: facts)
      known = made
      return made
    }
  }

  /// The uncompressed bytes, checked.
  private func uncompressed(_ source: any ByteSource) -> CheckedSource {
    CheckedSource(source, digest: diffID, subject: subject) { [forget] isRight in
      if !isRight { forget() }
    }
  }

  private struct Content: BlobContent {
    let recipe: CompressedRecipe
    let descriptor: Descriptor

    func open() throws -> any ByteSource {
      if recipe.isPlain { return recipe.uncompressed(try recipe.recipe.open()) }
      try waitUntilComplete()
      return try recipe.make().spool.makeReader()
    }

    func waitUntilComplete() throws {
      // What is made while it is read is checked while it is read.
      if recipe.isPlain { return }
      let facts = try recipe.compressNow()
      guard facts.diffID == descriptor.digest else {
        recipe.forget()
        throw ContentMismatch(
          subject: recipe.subject, expected: descriptor.digest, found: facts.diffID,
          expectedByteCount: descriptor.byteCount, foundByteCount: facts.byteCount)
      }
    }

    func byteCount() throws -> Int64 { descriptor.byteCount }

    func suffix(_ count: Int) throws -> [UInt8] {
      if !recipe.isPlain { return try recipe.make().spool.suffix(count) }
      // A tar ends in zeros, of which there are more than anybody asks for.
      return [UInt8](repeating: 0, count: min(count, TarHeader.endOfArchive.count))
    }
  }
}
