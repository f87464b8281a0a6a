import ArgumentParser
import OCIModel
import OrderedJSON

/// `cooper inspect`: what an image is.
struct Inspect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what an image is: digests, platforms, layers, configuration.",
    discussion: """
      Example:
        cooper inspect nixos/nix:2.19.3
      """)

  @Argument(help: "The image: NAME[:TAG][@DIGEST].")
  var reference: String

  @OptionGroup var platform: PlatformOptions

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let source = try Pull.registryReference(reference)
    let access = try RegistryAccess(registry, output: output, domain: source.domain)
    let image = try await RemoteImage(source, platform: platform.request(), client: access.client)
    let description = try ImageDescription(image)
    if json { try Console.output(description.json) } else { try Console.output(description.text) }
  }
}
