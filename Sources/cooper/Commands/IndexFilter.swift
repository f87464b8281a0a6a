import ArgumentParser
import ImageArchive
import ImageBuild
import OCIModel

/// `cooper index filter`: keeps some images of an index.
struct IndexFilter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filter",
    abstract: "Keeps the images of an index that are for some platforms, with their attestations.",
    discussion: """
      Example:
        cooper index filter debian:12 --platform linux/amd64 --platform linux/arm64 -o oci:layout:12
      """)

  @Argument(help: "The index, at any location.")
  var index: String

  @Option(
    help: ArgumentHelp(
      "Keep the images for this platform, of all variants unless one is given. May be repeated.",
      valueName: "os/arch[/variant]"),
    transform: PlatformRequest.init(option:))
  var platform: [PlatformRequest] = []

  @OptionGroup var options: IndexOptions

  mutating func validate() throws {
    if platform.isEmpty { throw ValidationError("say by --platform what is to stay.") }
  }

  mutating func run() async throws {
    try await options.edit(index) { _, contents in try contents.filter(platforms: platform) }
  }
}
