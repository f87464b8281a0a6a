import ArgumentParser
import ImageArchive
import OCIModel

/// `cooper layers`: what makes an image large.
struct Layers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the layers of an image, their sizes and the commands that made them.",
    discussion: """
      Sizes are those of the layers as they are stored, so compressed in most registries. Steps that made no layer are left out.
      Given a second image, layers that both have are marked with =, whether or not they are compressed alike.

      Examples:
        cooper layers nixos/nix:2.19.3
        cooper layers registry.example.com/team/app:1.0 registry.example.com/team/app:1.1
      """)

  @Argument(help: "The image: NAME[:TAG][@DIGEST], a path, or any other location.")
  var image: String

  @Argument(help: "Another image to compare with.")
  var other: String?

  @OptionGroup var platform: PlatformOptions

  @Flag(help: "Print JSON, with sizes in bytes.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    var listings: [LayerListing] = []
    for name in [image] + (other.map { [$0] } ?? []) {
      let (image, opened) = try await OpenedImage.documents(
        of: name, for: platform.request(), registry: registry, progress: output)
      opened.finish(isSuccess: true)
      listings.append(try LayerListing(image, named: opened.reference?.description ?? name))
    }
    let comparison = LayerComparison(listings[0], listings.count > 1 ? listings[1] : nil)
    if json {
      try Console.output(comparison.json)
    } else {
      try Console.output(comparison.text(terminalWidth: Console.outputWidth))
    }
  }
}
