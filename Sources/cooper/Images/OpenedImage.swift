import ArchiveIO
import ImageArchive
import ImageBuild
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
  ///
  /// In a docker-archive with several images one must be chosen, unless `takingFirst` says that it is the first then.
  init(
    _ text: String, registry: RegistryOptions, progress output: OutputOptions, cache: BlobCache,
    takingFirst: Bool = false
  ) async throws {
    try await self.init(text, cache: cache, takingFirst: takingFirst) { reference in
      try RegistryAccess(registry, output: output, domain: reference.domain)
    }
  }

  /// The same, with what `access` gives to talk to the registry that a reference is in.
  init(
    _ text: String, cache: BlobCache, takingFirst: Bool = false,
    access: (Reference) throws -> RegistryAccess
  ) async throws {
    name = text
    let location = try ImageLocation(text)
    if case .registry(let reference) = location {
      let source = try await RegistrySource(reference, access: access(reference), cache: cache)
      whole = source
      registrySource = source
      self.reference = reference
      return
    }
    let (collection, selector) = try await Self.collection(at: location)
    isDockerArchive = collection.format == .dockerArchive
    whole = try await collection.image(selector ?? (takingFirst && isDockerArchive ? .position(0) : nil))
  }

  /// An image that is nowhere.
  init(empty image: EmptyImage) {
    name = EmptyImage.name
    whole = image
  }

  private init(_ name: String, _ source: any ImageSource, of collection: ImageCollection) {
    self.name = name
    whole = source
    isDockerArchive = collection.format == .dockerArchive
  }

  /// Everything that a location names: each image of an archive unless it chooses one.
  static func all(
    at text: String, registry: RegistryOptions, progress: OutputOptions, cache: BlobCache
  ) async throws -> [(image: OpenedImage, names: [String])] {
    let location = try ImageLocation(text)
    if case .registry(let reference) = location {
      let opened = try await OpenedImage(text, registry: registry, progress: progress, cache: cache)
      return [(opened, reference.tag.map { ["\(reference.name):\($0)"] } ?? [])]
    }
    let (collection, selector) = try await collection(at: location)
    let listings = collection.listings
    guard selector == nil, listings.count > 1 else {
      let names =
        switch selector {
        case .name(let name): [name]
        case .position(let position): listings.indices.contains(position) ? listings[position].names : []
        case .digest(let digest): listings.first { $0.digest == digest }?.names ?? []
        case nil: listings.first?.names ?? []
        }
      return [(OpenedImage(text, try await collection.image(selector), of: collection), names)]
    }
    var images: [(image: OpenedImage, names: [String])] = []
    for (index, listing) in listings.enumerated() {
      let source = try await collection.image(ImageSelector(parsing: "@\(index)"))
      images.append((OpenedImage("\(text)@\(index)", source, of: collection), listing.names))
    }
    return images
  }

  /// Opens an archive or layout, and gives what the location says of the choice in it.
  static func collection(at location: ImageLocation) async throws -> (ImageCollection, ImageSelector?) {
    func opened(
      _ path: FilePath, _ format: ImageCollection.Format?, _ image: String?
    ) async throws -> (ImageCollection, ImageSelector?) {
      (try await opener.open(path, as: format), image.map { ImageSelector(parsing: $0) })
    }
    switch location {
    case .registry(let reference):
      throw UsageError("\(reference) is in a registry; name an archive or a layout")
    case .dockerArchive(let path, let image): return try await opened(path, .dockerArchive, image)
    case .ociLayout(let path, let image): return try await opened(path, .ociLayout, image)
    case .ociArchive(let path, let image): return try await opened(path, .ociArchive, image)
    case .path(let path): return try await opened(path, nil, nil)
    case .standardStream: return (try await opener.open(.standardInput, name: "standard input"), nil)
    }
  }

  private static var opener: ImageOpener {
    ImageOpener(scratch: ProcessEnvironment.current.temporaryDirectory)
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
