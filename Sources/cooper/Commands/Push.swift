import ArgumentParser
import ImageBuild
import OCIModel
import OrderedJSON

/// `cooper push`: an image from anywhere into a registry.
struct Push: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copies an image, or an index with every platform, into a registry.",
    discussion: """
      Blobs that the registry has are not sent, and those of another of its repositories are mounted. Uncompressed layers of a
      docker-archive are compressed with gzip, unless --layer-compression says otherwise. Of a build spec, or nixpkgs' conf.json, only the
      layers are made that the registry lacks.

      Examples:
        cooper push image.tar registry.example.com/team/app:1.0
        cooper push spec.json registry.example.com/team/app:1.0
        cooper push oci:layout:1.0 registry.example.com/team/app:1.0 --all --tag latest
      """)

  @Argument(help: "The image, at any location.")
  var source: String

  @Argument(help: "The repository and tag: HOST/NAME[:TAG].")
  var destination: String

  @Option(help: ArgumentHelp("A further tag. May be repeated.", valueName: "tag"))
  var tag: [String] = []

  @OptionGroup var copy: CopyOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var sides: SideOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var scripts: ScriptOptions
  @OptionGroup var messages: OutputOptions

  mutating func run() async throws {
    let target =
      destination.hasPrefix("docker://") ? String(destination.dropFirst("docker://".count)) : destination
    if BuildFile.isOne(source) {
      return try await pushBuilt(to: .registry(Pull.registryReference(target), furtherTags: tag))
    }
    try await CopyJob(
      source: source, target: .registry(Pull.registryReference(target), furtherTags: tag), options: copy,
      registry: registry, sides: sides, messages: messages
    ).run()
  }

  /// Builds the image on the way: what the registry has is neither made nor compressed.
  private func pushBuilt(to target: CopyTarget) async throws {
    guard !copy.all, !copy.referrers, !copy.platform.areGiven else {
      throw UsageError("\(source) builds one image; leave out --all, --referrers and the platform")
    }
    let image = try await BuildFile.image(
      source, store: store, registry: sides.source(registry), messages: messages, settings: scripts.settings)
    var job = LayeredImageJob(store: store, messages: messages)
    job.registry = sides.destination(registry)
    job.kind = copy.format ?? .oci
    job.encoding = copy.layerCompression
    let result = try await job.write(image, to: target)
    if copy.json {
      try Console.output(["source": .string(source), "digest": .string(result.digest)])
    }
  }
}
