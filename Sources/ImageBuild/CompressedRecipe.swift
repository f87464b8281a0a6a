import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import Synchronization

/// A layer that is compressed when its bytes are wanted, once.
///
/// Compressed bytes go into a file without a name, since they are wanted again and compressing is what takes long.
final class CompressedRecipe: Sendable {
  private let recipe: any LayerRecipe
  private let compression: Compression
  private let scratch: BlobCache
  private let made = Mutex<Made?>(nil)

  private struct Made {
    let spool: Spool
    let facts: LayerFacts
  }

  init(_ recipe: any LayerRecipe, as compression: Compression, scratch: BlobCache) {
    self.recipe = recipe
    self.compression = compression
    self.scratch = scratch
  }

  /// The digest and size of the compressed bytes.
  func compressNow() throws -> LayerFacts { try make().facts }

  /// The compressed bytes as a blob that must have this descriptor; `forget` is called when they have another.
  func checked(
    for descriptor: Descriptor, _ subject: String, forget: @escaping @Sendable () -> Void
  ) -> any BlobContent {
    Content(recipe: self, descriptor: descriptor, subject: subject, forget: forget)
  }

  private func make() throws -> Made {
    try made.withLock { known in
      if let known { return known }
      let spool = try scratch.scratch().spool
      let stored = BufferedSource(try recipe.open())
      let found =
        recipe.isCompressed ? Compression(firstBytes: try stored.peek(Compression.signatureByteCount)) : .none
      try spool.fill(from: compression.compress(found.decompress(stored), .layer))
      let facts = LayerFacts(diffID: try spool.digest(), byteCount: spool.receivedByteCount)
      spool.complete()
      let made = Made(spool: spool, facts: facts)
      known = made
      return made
    }
  }

  private struct Content: BlobContent {
    let recipe: CompressedRecipe
    let descriptor: Descriptor
    let subject: String
    let forget: @Sendable () -> Void

    private var isPlain: Bool { recipe.compression == .none && !recipe.recipe.isCompressed }

    func open() throws -> any ByteSource {
      if isPlain { return CheckedRecipe(try recipe.recipe.open(), descriptor: descriptor, subject: subject) }
      try waitUntilComplete()
      return try recipe.make().spool.makeReader()
    }

    func waitUntilComplete() throws {
      // What is made while it is read is checked while it is read.
      if isPlain { return }
      let facts = try recipe.compressNow()
      guard facts.diffID == descriptor.digest else {
        forget()
        throw ContentMismatch(
          subject: subject, expected: descriptor.digest, found: facts.diffID,
          expectedByteCount: descriptor.byteCount, foundByteCount: facts.byteCount)
      }
    }

    func byteCount() throws -> Int64 { descriptor.byteCount }

    func suffix(_ count: Int) throws -> [UInt8] {
      if !isPlain { return try recipe.make().spool.suffix(count) }
      // A tar ends in zeros, of which there are more than anybody asks for.
      return [UInt8](repeating: 0, count: min(count, TarHeader.endOfArchive.count))
    }
  }
}

/// Bytes that are made while they are read, and must be those of a descriptor.
private final class CheckedRecipe: ByteSource {
  private let source: any ByteSource
  private let descriptor: Descriptor
  private let subject: String
  private var hasher: ContentHasher
  private var byteCount: Int64 = 0

  init(_ source: any ByteSource, descriptor: Descriptor, subject: String) {
    self.source = source
    self.descriptor = descriptor
    self.subject = subject
    hasher = ContentHasher(descriptor.digest.algorithm)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try source.read(into: buffer)
    byteCount += Int64(count)
    if count > 0 {
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
      return count
    }
    let found = hasher.copy().finalize()
    guard found == descriptor.digest else {
      throw ContentMismatch(
        subject: subject, expected: descriptor.digest, found: found, expectedByteCount: descriptor.byteCount,
        foundByteCount: byteCount)
    }
    return 0
  }
}
