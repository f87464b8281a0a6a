import ArgumentParser
import OCIModel

/// `cooper config`: an image's configuration.
struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Prints an image's configuration, byte for byte as the registry has it.",
    discussion: """
      Example:
        cooper config nixos/nix:2.19.3 --arch arm64
      """)

  @Argument(help: "The image: NAME[:TAG][@DIGEST].")
  var reference: String

  @OptionGroup var platform: PlatformOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let source = try Pull.registryReference(reference)
    let access = try RegistryAccess(registry, output: output, domain: source.domain)
    let image = try await RemoteImage(source, platform: platform.request(), client: access.client)
    try Console.output(image.config)
  }
}
