import ArgumentParser
import OCIModel

/// `cooper manifest`: the bytes that a digest is the digest of.
struct ManifestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manifest",
    abstract: "Prints a manifest or index, byte for byte as the registry has it.",
    discussion: """
      With --os, --arch or --variant it is that platform's manifest; without, whatever the reference names.

      Example:
        cooper manifest nixos/nix:2.19.3 | sha256sum
      """)

  @Argument(help: "The image: NAME[:TAG][@DIGEST].")
  var reference: String

  @OptionGroup var platform: PlatformOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let source = try Pull.registryReference(reference)
    let access = try RegistryAccess(registry, output: output, domain: source.domain)
    let request = platform.areGiven ? platform.request() : nil
    try Console.output(try await access.client.document(for: source, platform: request).bytes)
  }
}
