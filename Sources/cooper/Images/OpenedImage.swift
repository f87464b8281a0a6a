import ArchiveIO
import Glibc
import ImageArchive
import OCIModel
import Registry
import SystemPackage

/// An image or index at any location, opened for reading.
struct OpenedImage: Sendable {
  /// The location as it was given.
  let name: String
  /// Its content; everything that the location names.
  let whole: any ImageSource
  /// The name in a registry, when it is there.
  let reference: Reference?
  private let registrySource: RegistrySource?

  /// Opens `text`, any notation of design.md, section 2.
  init(_ text: String, registry: RegistryOptions, progress output: OutputOptions, cache: BlobCache)
    async throws
  {
    name = text
    switch try ImageLocation(text) {
    case .registry(let reference):
      let access = try RegistryAccess(registry, output: output, domain: reference.domain)
      let source = try await RegistrySource(reference, access: access, cache: cache)
      (whole, self.reference, registrySource) = (source, reference, source)
    case .dockerArchive(let path, let image):
      (whole, reference, registrySource) = (try await Self.open(path, .dockerArchive, image), nil, nil)
    case .ociLayout(let path, let image):
      (whole, reference, registrySource) = (try await Self.open(path, .ociLayout, image), nil, nil)
    case .ociArchive(let path, let image):
      (whole, reference, registrySource) = (try await Self.open(path, .ociArchive, image), nil, nil)
    case .path(let path):
      (whole, reference, registrySource) = (try await Self.open(path, nil, nil), nil, nil)
    case .standardStream:
      let collection = try await Self.opener.open(.standardInput, name: "standard input")
      (whole, reference, registrySource) = (try await collection.image(), nil, nil)
    }
  }

  private static var opener: ImageOpener {
    ImageOpener(scratch: FilePath(ProcessEnvironment.current["TMPDIR"] ?? "/tmp"))
  }

  private static func open(
    _ path: FilePath, _ format: ImageCollection.Format?, _ selector: String?
  ) async throws -> any ImageSource {
    let collection = try await opener.open(path, as: format)
    return try await collection.image(selector.map { ImageSelector(parsing: $0) })
  }

  /// The image for one platform, where there are several.
  func image(for platform: PlatformRequest) async throws -> any ImageSource {
    try await ChosenImage(whole, for: platform)
  }

  /// Ends the progress display; on success, removes from the cache what was fetched.
  func finish(isSuccess: Bool) { registrySource?.finish(isSuccess: isSuccess) }
}
