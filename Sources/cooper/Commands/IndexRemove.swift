import ArgumentParser
import Hashing
import ImageArchive
import ImageBuild
import OCIModel

/// `cooper index remove`: takes images out of an index.
struct IndexRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Takes images out of an index, with their attestations.",
    discussion: """
      Example:
        cooper index remove team/app:1.0 --platform linux/386 -o docker://registry.example.com/team/app:1.0
      """)

  @Argument(help: "The index, at any location.")
  var index: String

  @Option(
    help: ArgumentHelp(
      "Take out the images for this platform, of all variants unless one is given. May be repeated.",
      valueName: "os/arch[/variant]"),
    transform: PlatformRequest.init(option:))
  var platform: [PlatformRequest] = []

  @Option(help: ArgumentHelp("Take out the entry with this digest. May be repeated.", valueName: "digest"))
  var digest: [String] = []

  @OptionGroup var options: IndexOptions

  mutating func validate() throws {
    if platform.isEmpty, digest.isEmpty {
      throw ValidationError("say by --platform or --digest what is to go.")
    }
  }

  mutating func run() async throws {
    let digests = try digest.map { try Digest(parsing: $0) }
    try await options.edit(index) { _, contents in
      try contents.remove(platforms: platform, digests: digests)
    }
  }
}
