public import ArchiveIO
public import Hashing
public import ImageArchive
import SystemPackage

/// Writes a layered image as nixpkgs' stream script does, to the byte, but not one step after the other; `RepositoryArchive` is for the other
/// form.
///
/// A layer's member needs its digest before its bytes. On a pipe the layers are made twice, as the script does, the first time ahead and
/// several at once. In a file each is made once, at its place, and its header is put in front afterwards. A layer that is remembered is made
/// once in any case.
public struct LayeredArchiveWriter: Sendable {
  /// What was written.
  public struct Summary: Sendable, Hashable {
    /// The length in bytes.
    public var byteCount: Int64
    /// The digest of the image's configuration, its ID.
    public var imageID: Digest
    /// The layers from the base upwards.
    public var layers: [LayerFacts]
  }

  private let image: LayeredImage
  private let memory: LayerMemory?

  private let compressor: Compression

  /// A writer of `image`, whose archive is compressed as a whole.
  public init(_ image: LayeredImage, memory: LayerMemory? = nil, compressor: Compression = .none) {
    self.image = image
    self.memory = memory
    self.compressor = compressor
  }

  /// Writes the archive, blocking the calling thread; `message` gets each line of progress as the script prints it.
  ///
  /// After an error `output` holds part of an archive.
  public func write(
    to output: ArchiveOutput, message: @escaping (String) -> Void = { _ in }
  ) throws -> Summary {
    if let single = image.single {
      return try RepositoryArchive(image, single, memory: memory).write(to: output, compressor, message)
    }
    guard compressor != .none else { return try writePlain(to: output, message) }
    return try ArchiveCompression(compressor: compressor, output: output).run {
      try writePlain(to: $0, message)
    }
  }

  private func writePlain(
    to output: ArchiveOutput, _ message: @escaping (String) -> Void
  ) throws -> Summary {
    switch output {
    case .file(let file): return try write(to: LayeredFile(file, memory: memory), message)
    case .pipe(let descriptor): return try write(to: LayeredPipe(descriptor, memory: memory), message)
    case .nowhere: return try write(to: LayeredPipe(nil, memory: memory), message)
    }
  }

  private func write(to target: some LayeredTarget, _ message: @escaping (String) -> Void) throws -> Summary {
    if let preamble = image.preamble { message(preamble) }
    let layers = try target.append(image.parts) { message($0.message) }
    message("Adding manifests...")
    let configuration = image.configuration(diffIDs: layers.map(\.diffID))
    let imageID = Digest(of: configuration)
    let manifest = image.manifest(
      configName: imageID.hex + ".json",
      layerNames: zip(image.parts, layers).map { String(decoding: $0.header(for: $1).name, as: UTF8.self) })
    for (name, bytes) in [(imageID.hex + ".json", configuration), ("manifest.json", manifest)] {
      try target.append(image.header(of: name, byteCount: bytes.count).encoded(.python))
      try target.append(bytes + [UInt8](repeating: 0, count: TarHeader.padding(after: Int64(bytes.count))))
    }
    try target.append(TarDialect.python.end(after: target.byteCount))
    try target.finish()
    message("Done.")
    return Summary(byteCount: target.byteCount, imageID: imageID, layers: layers)
  }
}

/// An archive that is being written.
protocol LayeredTarget: AnyObject {
  /// The number of bytes so far.
  var byteCount: Int64 { get }

  func append(_ bytes: [UInt8]) throws

  /// Appends layers with headers and padding; `begin` is told of each in its turn.
  func append(_ parts: [LayeredImage.Part], begin: (LayeredImage.Part) -> Void) throws -> [LayerFacts]

  func finish() throws
}
