import ArchiveIO
public import Hashing
public import ImageArchive
public import OCIModel

/// A layer to be put on top of images, with everything that their documents must say of it.
///
/// Tars in gzip or zstd keep their bytes; all others are compressed with gzip.
public struct NewLayer: Sendable {
  /// The digest of the uncompressed bytes.
  public let diffID: Digest
  /// How the bytes are stored.
  public let encoding: LayerEncoding
  /// What it was made from, for messages and the history.
  public let name: String
  private let descriptor: Descriptor
  private let content: any BlobContent

  /// Reads all of `input` and learns what is needed; compresses into `scratch` where that is necessary.
  ///
  /// - Throws: `TransformError.noTar`, `ContentMismatch` when the input changes meanwhile, and what reading throws.
  public init(_ input: LayerInput, scratch: BlobCache) throws {
    name = input.name
    let survey = try TarSurvey(input)
    diffID = survey.diffID
    encoding = survey.compression == .zstd ? .zstd : .gzip
    let stored = CompressedRecipe(
      input.recipe, diffID: survey.diffID, as: encoding.compression, subject: input.name, scratch: scratch
    ) {}
    let isKept = survey.compression == .gzip || survey.compression == .zstd
    let facts = isKept ? survey.stored : try stored.compressNow()
    let descriptor = Descriptor(
      mediaType: .ociLayerGzip, digest: facts.diffID, byteCount: facts.byteCount)
    self.descriptor = descriptor
    content = isKept ? KeptBlob(input: input, descriptor: descriptor) : stored.checked(for: descriptor)
  }

  /// The layer with the type that manifests of `kind` have for it; nil when they have none.
  func layer(in kind: ManifestKind) -> Layer? {
    guard let type = MediaType.layer(encoding, in: kind) else { return nil }
    var descriptor = descriptor
    descriptor.mediaType = type
    return Layer(descriptor: descriptor, content: content)
  }
}

/// The bytes of an input as they are, checked whenever they are read.
private struct KeptBlob: BlobContent {
  let input: LayerInput
  let descriptor: Descriptor

  func open() throws -> any ByteSource {
    CheckedSource(
      try input.recipe.open(), digest: descriptor.digest, byteCount: descriptor.byteCount,
      subject: input.name)
  }

  /// What is there was read once already, and is checked while it is read again.
  func waitUntilComplete() throws {}

  func byteCount() throws -> Int64 { descriptor.byteCount }

  func suffix(_ count: Int) throws -> [UInt8] {
    let source = BufferedSource(try open())
    var last: [UInt8] = []
    while true {
      let piece = try source.peek(1)
      if piece.isEmpty { return last }
      last = Array((last + piece.suffix(count)).suffix(count))
      source.skip(piece.count)
    }
  }
}

/// What one reading of a tar tells.
private struct TarSurvey {
  let compression: Compression
  /// The digest of the uncompressed bytes.
  let diffID: Digest
  /// Digest and number of the bytes as they are; the digest has a name for layers that are not compressed.
  let stored: LayerFacts

  init(_ input: LayerInput) throws {
    let stored = HashedSource(try input.recipe.open())
    let window = BufferedSource(stored)
    compression =
      input.recipe.isCompressed
      ? Compression(firstBytes: try window.peek(Compression.signatureByteCount)) : .none
    let plain = HashedSource(try compression.decompress(window))
    let rest = BufferedSource(plain)
    do {
      let reader = TarReader(rest)
      while try reader.next() != nil {}
    } catch let error as TarError {
      throw TransformError.noTar(name: input.name, problem: "\(error)")
    }
    // Behind the end of the tar there may be anything, which belongs to the layer's bytes all the same.
    for source in [rest, window] { _ = try source.skip(Int64.max) }
    guard plain.byteCount > 0 else { throw TransformError.noTar(name: input.name, problem: "it is empty") }
    diffID = plain.digest()
    self.stored = LayerFacts(diffID: stored.digest(), byteCount: stored.byteCount)
  }
}

/// Hashes bytes while they are read.
private final class HashedSource: ByteSource {
  private let source: any ByteSource
  private var hasher = ContentHasher(.sha256)
  private(set) var byteCount: Int64 = 0

  init(_ source: any ByteSource) { self.source = source }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try source.read(into: buffer)
    hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
    byteCount += Int64(count)
    return count
  }

  /// The digest of what was read so far.
  func digest() -> Digest { hasher.copy().finalize() }
}
