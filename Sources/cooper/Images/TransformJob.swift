import Hashing
import ImageArchive
import ImageBuild
import OCIModel
import OrderedJSON
import Registry

/// What `append`, `mutate`, `rebase` and `index` do around the change itself: open images and write the result.
///
/// All of a command's images in one registry share one client, and so its connections and tokens.
final class TransformJob {
  let target: CopyTarget
  let cache = BlobCache(.current)
  /// What `--json` tells besides the digest.
  var facts: JSONObject = [:]
  private let result: ResultOptions
  private let registry: RegistryOptions
  private let sides: SideOptions
  private let messages: OutputOptions
  private let progress: Progress
  private var accesses: [String: RegistryAccess] = [:]
  private var images: [String: OpenedImage] = [:]

  init(_ result: ResultOptions, registry: RegistryOptions, sides: SideOptions, messages: OutputOptions) throws
  {
    self.result = result
    self.registry = registry
    self.sides = sides
    self.messages = messages
    target = try CopyTarget(result.output)
    progress = Progress(quiet: messages.quiet)
  }

  // MARK: Sources

  /// Opens an image or index at any location; the same location is opened once.
  func open(_ location: String) async throws -> OpenedImage {
    if let image = images[location] { return image }
    let image = try await OpenedImage(location, cache: cache) { try access(to: $0) }
    images[location] = image
    return image
  }

  /// Lets `EmptyImage.name` name an image for `platform`, or for this machine's.
  func addEmptyImage(for platform: PlatformRequest?) {
    let platform = platform ?? PlatformRequest(os: "linux", architecture: PlatformOptions.hostArchitecture)
    images[EmptyImage.name] = OpenedImage(
      empty: EmptyImage(
        for: Platform(os: platform.os, architecture: platform.architecture, variant: platform.variant)))
  }

  /// The images at a location, or the one of them that was chosen, to be changed.
  ///
  /// - Throws: `UsageError` when a docker-archive is to be written and there are several platforms, or a single image is for another one.
  func images(_ location: String, choosing choice: ChoiceOptions) async throws -> ImageSet {
    let whole = try await open(location).whole
    guard let platform = choice.platform else {
      if case .files(.dockerArchive) = target, case .index = whole.root {
        throw UsageError(
          "\(location) is an index, and a docker-archive has one platform; choose it by --platform OS/ARCH")
      }
      return try await ImageSet(whole, as: result.format)
    }
    let images = try await ImageSet(ChosenImage(whole, for: platform), as: result.format)
    for found in images.images.map(\.config.platform)
    where found.os != platform.os || found.architecture != platform.architecture {
      var error = UsageError("\(location) is for \(found), and not for \(platform)")
      error.status = .notFound
      throw error
    }
    return images
  }

  private func access(to reference: Reference) throws -> RegistryAccess {
    let domain = reference.domain
    if let access = accesses[domain] { return access }
    for other in accesses.keys.sorted() + (target.domain.map { [$0] } ?? []) {
      try sides.check(registry, source: domain, destination: other)
    }
    if sides.sourceCredentials != nil, let other = accesses.keys.first {
      throw UsageError(
        "--src-creds would go to both \(other) and \(domain); use cooper login for one of them")
    }
    let access = try RegistryAccess(
      sides.source(registry), output: messages, domain: domain, progress: progress)
    accesses[domain] = access
    return access
  }

  // MARK: Result

  /// Runs `body`, which opens images and gives what they become, and writes that.
  ///
  /// `name` is what the result is called where the destination does not say.
  func run(_ body: () async throws -> (source: ComposedSource, name: Reference?)) async throws {
    do {
      try requireSense()
      let (source, name) = try await body()
      if !messages.quiet { source.remarks.forEach { progress.say("cooper: \($0)") } }
      let root = try await write(source, name: name)
      finish(isSuccess: true)
      try report(root)
    } catch {
      finish(isSuccess: false)
      throw error
    }
  }

  private func requireSense() throws {
    guard case .files(.dockerArchive) = target, result.format != nil else { return }
    throw UsageError("a docker-archive has its own format; leave out --format")
  }

  private func write(_ source: ComposedSource, name: Reference?) async throws -> ManifestDocument {
    if case .files(.dockerArchive(let path, let given)) = target {
      try await DockerArchiveCopy(source, name: given, or: name).write(to: path)
      return source.root
    }
    var place = CopyPlace(
      name: name?.tag, origins: { source.origins(of: $0) }, registry: sides.destination(registry),
      messages: messages)
    place.access = try accessToTarget()
    var changes = ImageCopy.Changes()
    changes.kind = result.format
    if images.values.contains(where: \.isDockerArchive), case .registry = target {
      changes.layers = .compressUncompressed
    }
    return try await place.open(target) { [changes] destination in
      try await ImageCopy(from: source, to: destination, changes: changes, scratch: cache).run().root
    }
  }

  /// The access to the destination's registry that a source has already, where both are talked to in the same way.
  private func accessToTarget() throws -> RegistryAccess? {
    guard case .registry(let reference, _) = target, !sides.areGiven,
      try RegistryEnvironment(registry).readsWhereItWrites(reference)
    else { return nil }
    return accesses[reference.domain]
  }

  private func finish(isSuccess: Bool) {
    images.values.forEach { $0.finish(isSuccess: isSuccess) }
    progress.finish()
  }

  private func report(_ root: ManifestDocument) throws {
    guard result.json else { return }
    var object: JSONObject = [
      "destination": target.json, "digest": .string(root.digest.description),
      "mediaType": .string(root.mediaType.rawValue),
    ]
    object.append(contentsOf: facts)
    try Console.output(object)
  }
}
