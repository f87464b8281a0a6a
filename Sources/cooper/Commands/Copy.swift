import ArchiveIO
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
    abstract: "Copies an image, or an index with every platform, from anywhere into files.",
    discussion: """
      Examples:
        cooper copy nixos/nix:2.19.3 oci:layout:2.19.3 --all
        cooper copy image.tar.gz oci:layout:small --layer-compression zstd
        cooper copy oci:layout:2.19.3 docker-archive:nix.tar:nixos/nix:2.19.3

      SRC is an image in a registry, or docker-archive:FILE[:NAME:TAG or :@INDEX], oci:DIR[:TAG], oci-archive:FILE[:TAG], a path, or -.
      DST is oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG], a path, or -.
      Manifests keep their bytes and digests unless --format, --layer-compression or the choice of one platform changes them.
      """)

  @Argument(help: "The image.")
  var source: String

  @Argument(help: "Where it goes.")
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
    let target = try PullDestination(destination, format: nil)
    let cache = BlobCache(.current)
    let opened = try await OpenedImage(source, registry: registry, progress: messages, cache: cache)
    do {
      let source = all ? opened.whole : try await opened.image(for: platform.request())
      let root = try await copy(source, to: target, name: opened.reference, cache: cache)
      opened.finish(isSuccess: true)
      try report(root, to: target)
    } catch {
      opened.finish(isSuccess: false)
      throw error
    }
  }

  private func copy(
    _ source: any ImageSource, to target: PullDestination, name: Reference?, cache: BlobCache
  ) async throws -> ManifestDocument {
    switch target {
    case .ociLayout(let path, let given):
      let layout = try OCILayoutWriter(at: path)
      if let temporary = layout.temporaryDirectory { Interruption.remove(temporary) }
      let destination = OCILayoutDestination(layout, name: given ?? name?.tag)
      return try await ImageCopy(from: source, to: destination, changes: changes, scratch: cache).run()
    case .ociArchive(let path, let given):
      let output = try OutputFile(path)
      let destination = OCIArchiveDestination(output.archiveOutput, name: given ?? name?.tag)
      let root = try await ImageCopy(from: source, to: destination, changes: changes, scratch: cache).run()
      try output.commit()
      return root
    case .dockerArchive(let path, let given):
      try await writeDockerArchive(source, to: path, name: given, or: name)
      return source.root
    }
  }

  /// A docker-archive holds uncompressed layers and no manifest, so there is nothing to convert.
  private func writeDockerArchive(
    _ source: any ImageSource, to path: FilePath?, name given: String?, or name: Reference?
  ) async throws {
    guard !all, format == nil, layerCompression == nil else {
      throw UsageError(
        "a docker-archive has one platform, and its own format; leave out --all, --format and --layer-compression"
      )
    }
    var references: [Reference] = []
    if let reference = try given.map({ try Reference(parsing: $0) }) ?? name {
      references = [try reference.withDigest(nil).withTag(reference.tag ?? "latest")]
    }
    let image = try await Image(source)
    let writer = try DockerArchiveWriter(image, references: references)
    let output = try OutputFile(path)
    try await Thread.run {
      _ = try writer.write(to: output.archiveOutput)
      try output.commit()
    }
  }

  private var changes: ImageCopy.Changes {
    var changes = ImageCopy.Changes()
    changes.kind = format
    if let layerCompression { changes.layers = .all(layerCompression) }
    return changes
  }

  private func report(_ root: ManifestDocument, to target: PullDestination) throws {
    guard json else { return }
    try Console.output([
      "source": .string(source),
      "path": target.path.map { .string($0.string) } ?? .null,
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
