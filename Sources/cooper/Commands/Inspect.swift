import ArgumentParser
import ImageArchive
import OCIModel
import OrderedJSON

/// `cooper inspect`: what an image is.
struct Inspect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what an image is: digests, platforms, layers, configuration.",
    discussion: """
      Examples:
        cooper inspect nixos/nix:2.19.3
        cooper inspect docker-archive:images.tar:nixos/nix:2.19.3
      """)

  @Argument(help: "The image: NAME[:TAG][@DIGEST], a path, or any other location.")
  var image: String

  @OptionGroup var platform: PlatformOptions

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let opened = try await OpenedImage(
      image, registry: registry, progress: output, cache: BlobCache(.current))
    defer { opened.finish(isSuccess: true) }
    let chosen = try await opened.image(for: platform.request())
    let description = try ImageDescription(
      await Image(chosen), named: opened.reference?.name ?? opened.name, below: opened.whole.root)
    if json { try Console.output(description.json) } else { try Console.output(description.text) }
  }
}
