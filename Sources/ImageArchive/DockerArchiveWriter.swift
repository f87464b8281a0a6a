import ArchiveIO
public import Hashing
public import OCIModel

/// Writes an image as a docker-archive: the bytes that skopeo writes.
///
/// A layer's header carries its uncompressed size and digest, and both are known only when it has been decompressed. A file
/// is patched afterwards, which costs nothing. A pipe cannot be patched, so there each layer is decompressed once beforehand to learn
/// them, one layer ahead on the other core; the compressed bytes are on the disk by then. Where only the digest of the archive is
/// wanted, the size is taken from the end of the gzip data and the digest from the image's configuration; when one turns out wrong,
/// the hash is taken back and the layer done again.
public struct DockerArchiveWriter: Sendable {
  /// What was written.
  public struct Summary: Sendable, Hashable {
    /// The length in bytes.
    public var byteCount: Int64
    /// The SHA-256 of all bytes, when it was asked for.
    public var digest: Digest?
    /// The digests of the uncompressed layers, in the manifest's order.
    public var diffIDs: [Digest]
  }

  /// The image.
  public let image: Image
  /// The names it gets, in order; each has a tag.
  public let references: [Reference]
  /// The generation of the format.
  public let era: DockerArchiveEra

  /// A writer for `image`.
  ///
  /// - Throws: `DockerArchiveError` when a reference has no tag or has a digest.
  public init(_ image: Image, references: [Reference], era: DockerArchiveEra = .third)
    throws(DockerArchiveError)
  {
    for reference in references where reference.tag == nil || reference.digest != nil {
      throw .unsuitableReference(reference.description)
    }
    self.image = image
    self.references = references
    self.era = era
  }

  /// Writes the archive, blocking the calling thread.
  ///
  /// `progress` gets the number of uncompressed bytes as they come. After an error `output` holds part of an archive.
  public func write(
    to output: ArchiveOutput, computingDigest: Bool = false,
    progress: @escaping @Sendable (Int) -> Void = { _ in }
  ) throws -> Summary {
    for (index, layer) in image.layers.enumerated()
    where layer.descriptor.digest == image.manifest.value.config.digest {
      throw DockerArchiveError.layerIsConfig(index + 1)
    }
    switch output {
    case .file(let file):
      return try write(to: PatchedArchive(file, computesDigest: computingDigest, progress: progress))
    case .pipe(let descriptor):
      let ahead = try LayerMeasurer(image.layers, decompressing: era != .first)
      let target = try PipeTarget(descriptor, computesDigest: computingDigest)
      return try write(to: SequentialArchive(target, facts: ahead.facts(of:), progress: progress))
    case .nowhere:
      let guess = LayerGuess(image, decompressing: era != .first)
      return try write(to: SequentialArchive(HashTarget(), facts: guess.facts(of:), progress: progress))
    }
  }

  private func write(to archive: some LayeredArchive) throws -> Summary {
    // The same stored bytes are the same layer.
    var seen: Set<Digest> = []
    let distinct = image.layers.filter { seen.insert($0.descriptor.digest).inserted }
    let written = try archive.append(distinct, era: era)
    let known = Dictionary(zip(distinct.map(\.descriptor.digest), written)) { first, _ in first }
    let diffIDs = image.layers.compactMap { known[$0.descriptor.digest] }
    let metadata = try DockerArchiveMetadata(
      era: era, configDigest: image.manifest.value.config.digest, config: image.config, diffIDs: diffIDs,
      references: references)
    for member in metadata.members() {
      try archive.append(member.header.encoded())
      try archive.append(member.content)
      try archive.append([UInt8](repeating: 0, count: TarHeader.padding(after: Int64(member.content.count))))
    }
    try archive.append(TarHeader.endOfArchive)
    let end = try archive.finish()
    return Summary(byteCount: end.byteCount, digest: end.digest, diffIDs: diffIDs)
  }
}

/// An archive that is being written.
protocol LayeredArchive: AnyObject {
  func append(_ bytes: [UInt8]) throws

  /// Appends layers with headers and padding, each digest once, and returns the digests.
  func append(_ layers: [Layer], era: DockerArchiveEra) throws -> [Digest]

  func finish() throws -> (byteCount: Int64, digest: Digest?)
}

extension TarHeader {
  /// The header of a layer's member.
  init(layer facts: LayerFacts, era: DockerArchiveEra) {
    self.init(
      name: DockerArchiveMetadata.layerName(facts.diffID, era: era), mode: 0o444, byteCount: facts.byteCount)
  }
}
