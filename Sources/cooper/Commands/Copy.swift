import ArgumentParser
import Hashing
import ImageArchive
import OCIModel
import OrderedJSON
import Registry
import SystemPackage

/// `cooper copy`: an image from one place to another.
struct Copy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copies an image, or an index with every platform, from a registry into files.",
    discussion: """
      Examples:
        cooper copy nixos/nix:2.19.3 oci:layout:2.19.3 --all
        cooper copy nixos/nix:2.19.3 oci:layout:small --layer-compression zstd

      DST is oci:DIR[:TAG]. Manifests keep their bytes and digests unless --format, --layer-compression or the choice of one platform
      changes them. Blobs that the layout has already are not fetched.
      """)

  @Argument(help: "The image: NAME[:TAG][@DIGEST].")
  var source: String

  @Argument(help: "Where it goes: oci:DIR[:TAG].")
  var destination: String

  @Flag(help: "Copy an index with all its images. Default: the image for one platform.")
  var all = false

  @OptionGroup var platform: PlatformOptions

  @Option(
    help: "The family of the manifests, oci or docker. Default: as they are.",
    transform: ManifestKind.init(option:))
  var format: ManifestKind?

  @Option(
    help: "The compression of the layers: none, gz or zstd. Default: as they are.",
    transform: LayerEncoding.init(option:))
  var layerCompression: LayerEncoding?

  @Flag(help: "Print the digest of what was written as JSON.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  mutating func validate() throws {
    if all, platform.areGiven { throw ValidationError("--all and a platform contradict each other.") }
  }

  mutating func run() async throws {
    guard case .ociLayout(let path, let name) = try PullDestination(destination, format: nil) else {
      throw UsageError("copy writes OCI layouts, oci:DIR[:TAG]; for a docker-archive use cooper pull")
    }
    let reference = try Pull.registryReference(source)
    let access = try RegistryAccess(registry, output: messages, domain: reference.domain)
    defer { access.progress.finish() }
    let cache = BlobCache(.current)
    let registrySource = try await self.source(reference, access: access, cache: cache)
    let layout = try OCILayoutWriter(at: path)
    if let temporary = layout.temporaryDirectory { Interruption.remove(temporary) }
    let copy = ImageCopy(
      from: registrySource, to: OCILayoutDestination(layout, name: name ?? reference.tag), changes: changes,
      scratch: cache)
    let root = try await copy.run()
    registrySource.finish()
    try report(root, of: reference, in: path)
  }

  private func source(
    _ reference: Reference, access: RegistryAccess, cache: BlobCache
  ) async throws -> RegistrySource {
    if all { return try await RegistrySource(reference, access: access, cache: cache) }
    let image = try await RemoteImage(reference, platform: platform.request(), client: access.client)
    return RegistrySource(image, client: access.client, cache: cache, progress: access.progress)
  }

  private var changes: ImageCopy.Changes {
    var changes = ImageCopy.Changes()
    changes.kind = format
    if let layerCompression { changes.layers = .all(layerCompression) }
    return changes
  }

  private func report(_ root: ManifestDocument, of reference: Reference, in path: FilePath) throws {
    guard json else { return }
    try Console.output([
      "source": .string(reference.description),
      "path": .string(path.string),
      "digest": .string(root.digest.description),
      "mediaType": .string(root.mediaType.rawValue),
    ])
  }
}

extension ManifestKind {
  /// Reads the value of `--format`.
  init(option: String) throws {
    switch option {
    case "oci": self = .oci
    case "docker": self = .docker
    default: throw ValidationError("--format is oci or docker.")
    }
  }
}

extension LayerEncoding {
  /// Reads the value of `--layer-compression`.
  init(option: String) throws {
    switch option {
    case "none": self = .uncompressed
    case "gz": self = .gzip
    case "zstd": self = .zstd
    default: throw ValidationError("--layer-compression is none, gz or zstd.")
    }
  }
}
