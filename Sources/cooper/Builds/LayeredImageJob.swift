import ArchiveIO
import Glibc
import Hashing
import ImageArchive
import ImageBuild
import OCIModel
import OrderedJSON
import Registry
import SystemPackage

/// Writes a layered image to where it is wanted.
struct LayeredImageJob {
  let store: StoreOptions
  let messages: OutputOptions
  /// The compression of a docker-archive as a whole; layers in it are never compressed.
  var compressor: LayerEncoding?
  /// The compression of layers elsewhere; nil leaves it to the destination.
  var encoding: LayerEncoding?
  /// The family of manifests.
  var kind = ManifestKind.oci
  /// Remarks in the manifest.
  var annotations = Annotations()
  /// The options for a registry; needed for everything but a docker-archive.
  var registry: RegistryOptions?

  /// As a build spec asks for it.
  init(_ spec: BuildSpec, store: StoreOptions, registry: RegistryOptions, messages: OutputOptions) {
    self.init(store: store, messages: messages)
    self.registry = registry
    compressor = LayerEncoding(spec.compressor)
    encoding = spec.layerCompression.flatMap(LayerEncoding.init)
    annotations = spec.annotations
  }

  /// With nothing compressed but what goes into a registry.
  init(store: StoreOptions, messages: OutputOptions) {
    self.store = store
    self.messages = messages
  }

  /// What was written.
  struct Result {
    /// The digest of what a registry or layout names: the manifest's.
    ///
    /// For a docker-archive the image's ID.
    var digest: String
  }

  @discardableResult
  func write(_ image: LayeredImage, to target: CopyTarget) async throws -> Result {
    if case .files(.dockerArchive(let path, let name)) = target {
      var image = image
      if let name { image.repoTag = name }
      return try await writeArchive(image, to: path)
    }
    guard let registry else {
      preconditionFailure("a place other than a docker-archive, without its options")
    }
    // Nobody wants plain tars in a registry.
    let usual: LayerEncoding = if case .registry = target { .gzip } else { .uncompressed }
    let place = CopyPlace(name: image.tag, registry: registry, messages: messages)
    return try await place.open(target) { destination in
      try await copy(source(image, compressing: usual), to: destination)
    }
  }

  // MARK: Docker archives

  private func writeArchive(_ image: LayeredImage, to path: FilePath?) async throws -> Result {
    let output = try OutputFile(path)
    let writer = LayeredArchiveWriter(image, memory: memory, compressor: compressor?.compression ?? .none)
    let isQuiet = messages.quiet
    let summary = try await Thread.run {
      let summary = try writer.write(to: output.archiveOutput) { if !isQuiet { Console.error($0) } }
      try output.commit()
      return summary
    }
    return Result(digest: summary.imageID.description)
  }

  /// The place of remembered digests; none when it is not wanted, or there is no home directory.
  private var memory: LayerMemory? {
    guard store.layerCache, let cache = ProcessEnvironment.current.cacheDirectory else { return nil }
    let memory = try? LayerMemory(at: cache.appending("layers"))
    memory?.removeOldFiles()
    return memory
  }

  // MARK: Manifests

  private func source(
    _ image: LayeredImage, compressing encoding: LayerEncoding
  ) async throws -> LayeredImageSource {
    let form = LayeredImageSource.Form(
      kind: kind, encoding: self.encoding ?? encoding, annotations: annotations)
    if !messages.quiet { image.announcement.forEach(Console.error) }
    return try await LayeredImageSource(image, as: form, memory: memory, scratch: BlobCache(.current))
  }

  private func copy(
    _ source: LayeredImageSource, to destination: any ImageDestination
  ) async throws -> Result {
    let copy = ImageCopy(
      from: source, to: destination, changes: ImageCopy.Changes(), scratch: BlobCache(.current))
    return Result(digest: try await copy.run().root.digest.description)
  }
}

extension LayeredImage {
  /// The tag, which names the image in a layout.
  var tag: String? {
    (try? Reference(parsing: repoTag))?.tag
  }

  /// What is said of all layers before they are made.
  fileprivate var announcement: [String] { (preamble.map { [$0] } ?? []) + parts.map(\.message) }
}

extension LayerEncoding {
  /// The encoding of the same name, if there is one.
  fileprivate init?(_ compression: Compression) {
    guard let found = Self.allCases.first(where: { $0.compression == compression }) else { return nil }
    self = found
  }
}
