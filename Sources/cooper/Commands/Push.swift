import ArgumentParser

/// `cooper push`: an image from anywhere into a registry.
struct Push: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copies an image, or an index with every platform, into a registry.",
    discussion: """
      Blobs that the registry has are not sent, and those of another of its repositories are mounted. Uncompressed layers of a
      docker-archive are compressed with gzip, unless --layer-compression says otherwise.

      Examples:
        cooper push image.tar registry.example.com/team/app:1.0
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
  @OptionGroup var messages: OutputOptions

  mutating func run() async throws {
    let target =
      destination.hasPrefix("docker://") ? String(destination.dropFirst("docker://".count)) : destination
    try await CopyJob(
      source: source, target: .registry(Pull.registryReference(target), furtherTags: tag), options: copy,
      registry: registry, sides: sides, messages: messages
    ).run()
  }
}
