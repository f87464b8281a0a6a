import ArchiveIO
import ImageArchive
import OCIModel
import Registry
import SystemPackage

/// An image or index at any location, opened for reading.
struct OpenedImage: Sendable {
  /// The location as it was given.
  let name: String
  /// Everything that the location names.
  let whole: any ImageSource
  /// The name in a registry, when it is there.
  private(set) var reference: Reference?
  /// Whether it is a docker-archive, whose manifest was made up.
  private(set) var isDockerArchive = false
  private var registrySource: RegistrySource?

  /// Opens `text`, in any notation of design.md, section 2.
  init(_ text: String, registry: RegistryOptions, progress output: OutputOptions, cache: BlobCache)
    async throws
  {
    name = text
    let collection: ImageCollection
    var selector: String?
    switch try ImageLocation(text) {
    case .registry(let reference):
      let access = try RegistryAccess(registry, output: output, domain: reference.domain)
      let source = try await RegistrySource(reference, access: access, cache: cache)
      whole = source
      registrySource = source
      self.reference = reference
      return
    case .dockerArchive(let path, let image):
      collection = try await Self.opener.open(path, as: .dockerArchive)
      selector = image
    case .ociLayout(let path, let image):
      collection = try await Self.opener.open(path, as: .ociLayout)
      selector = image
    case .ociArchive(let path, let image):
      collection = try await Self.opener.open(path, as: .ociArchive)
      selector = image
    case .path(let path): collection = try await Self.opener.open(path)
    case .standardStream: collection = try await Self.opener.open(.standardInput, name: "standard input")
    }
    whole = try await collection.image(selector.map { ImageSelector(parsing: $0) })
    isDockerArchive = collection.format == .dockerArchive
  }

  private static var opener: ImageOpener {
    ImageOpener(scratch: FilePath(ProcessEnvironment.current["TMPDIR"] ?? "/tmp"))
  }

  /// The image for one platform, where there are several.
  func image(for platform: PlatformRequest) async throws -> any ImageSource {
    try await ChosenImage(whole, for: platform)
  }

  /// The documents of the image for one platform, and its layers, which are not read yet.
  static func documents(
    of text: String, for platform: PlatformRequest, registry: RegistryOptions, progress: OutputOptions
  ) async throws -> (image: Image, opened: OpenedImage) {
    let opened = try await OpenedImage(
      text, registry: registry, progress: progress, cache: BlobCache(.current))
    do {
      return (try await Image(opened.image(for: platform)), opened)
    } catch {
      opened.finish(isSuccess: false)
      throw error
    }
  }

  /// Ends the progress display; on success, removes from the cache what was fetched.
  func finish(isSuccess: Bool) { registrySource?.finish(isSuccess: isSuccess) }
}
