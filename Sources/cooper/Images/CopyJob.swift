import ArchiveIO
import Hashing
import ImageArchive
import ImageBuild
import OCIModel
import OrderedJSON
import Registry
import SystemPackage

/// Where a copy goes.
enum CopyTarget {
  case registry(Reference, furtherTags: [String])
  case files(PullDestination)

  /// Reads the destination of a build, whose spec says what a plain path is to be.
  init(_ text: String, format: BuildSpec.Format) throws {
    let isPlain = !["docker://", "docker-archive:", "oci:", "oci-archive:"].contains { text.hasPrefix($0) }
    self =
      isPlain
      ? .files(try PullDestination(text, format: PullDestination.Format(rawValue: format.rawValue)))
      : try CopyTarget(text)
  }

  /// Reads a destination: a registry only where the transport says so, since a new file has no other sign.
  init(_ text: String) throws {
    if text.hasPrefix("docker://") {
      self = .registry(try Reference(parsing: String(text.dropFirst("docker://".count))), furtherTags: [])
    } else {
      self = .files(try PullDestination(text, format: nil))
    }
  }
}

extension CopyTarget {
  /// The registry that it is in.
  var domain: String? {
    if case .registry(let reference, _) = self { reference.domain } else { nil }
  }

  /// The place as it is told to programs: a reference or a path, or null for standard output.
  var json: JSONValue {
    switch self {
    case .registry(let reference, _): .string(reference.description)
    case .files(let files): files.path.map { .string($0.string) } ?? .null
    }
  }
}

/// Copies an image from any location to any other.
struct CopyJob {
  let source: String
  let target: CopyTarget
  let options: CopyOptions
  /// The options for both sides.
  let registry: RegistryOptions
  /// Those for one of them.
  let sides: SideOptions
  let messages: OutputOptions

  func run() async throws {
    try requireSense()
    let cache = BlobCache(.current)
    try sides.check(registry, source: sourceDomain(), destination: target.domain)
    let opened = try await OpenedImage(
      source, registry: sides.source(registry), progress: messages, cache: cache)
    do {
      let image = options.all ? opened.whole : try await opened.image(for: options.platform.request())
      let result = try await copy(image, of: opened, cache: cache)
      opened.finish(isSuccess: true)
      try report(result)
    } catch {
      opened.finish(isSuccess: false)
      throw error
    }
  }

  /// The registry that the source is in.
  private func sourceDomain() throws -> String? {
    if case .registry(let reference) = try ImageLocation(source) { reference.domain } else { nil }
  }

  /// A docker-archive holds uncompressed layers of one platform and no manifest, so there is nothing to convert.
  private func requireSense() throws {
    guard case .files(.dockerArchive) = target else { return }
    guard !options.all, options.format == nil, options.layerCompression == nil, !options.referrers else {
      throw UsageError(
        "a docker-archive has one platform, and its own format; leave out --all, --format, --layer-compression and --referrers"
      )
    }
  }

  private func copy(
    _ image: any ImageSource, of opened: OpenedImage, cache: BlobCache
  ) async throws -> ImageCopy.Result {
    if case .files(.dockerArchive(let path, let name)) = target {
      try await DockerArchiveCopy(image, name: name, or: opened.reference).write(to: path)
      return ImageCopy.Result(root: image.root, referrers: [])
    }
    let place = CopyPlace(
      name: opened.reference?.tag, origins: { image.origins(of: $0) }, registry: sides.destination(registry),
      messages: messages)
    return try await place.open(target) { destination in
      try await run(from: image, of: opened, to: destination, cache: cache)
    }
  }

  private func run(
    from image: any ImageSource, of opened: OpenedImage, to destination: any ImageDestination,
    cache: BlobCache
  ) async throws -> ImageCopy.Result {
    var changes = ImageCopy.Changes()
    changes.kind = options.format
    changes.includesReferrers = options.referrers
    if let compression = options.layerCompression {
      changes.layers = .all(compression)
    } else if opened.isDockerArchive, case .registry = target {
      // Such an archive has no manifest whose digest could be kept, and nobody wants plain tars in a registry.
      changes.layers = .compressUncompressed
    }
    return try await ImageCopy(from: image, to: destination, changes: changes, scratch: cache).run()
  }

  private func report(_ result: ImageCopy.Result) throws {
    guard options.json else { return }
    var object: JSONObject = [
      "source": .string(source), "destination": target.json,
      "digest": .string(result.root.digest.description),
      "mediaType": .string(result.root.mediaType.rawValue),
    ]
    if options.referrers {
      object["referrers"] = .array(result.referrers.map { .string($0.digest.description) })
    }
    try Console.output(object)
  }
}
