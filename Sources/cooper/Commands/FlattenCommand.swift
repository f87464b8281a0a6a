import ArgumentParser
import ImageBuild

/// `cooper flatten`: makes one layer of all.
struct FlattenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flatten",
    abstract: "Makes one layer of all layers of an image, or of every image of an index.",
    discussion: """
      Examples:
        cooper flatten image.tar -o flat.tar
        cooper flatten registry.example.com/team/app:1.0 -o docker://registry.example.com/team/app:1.0-flat

      The configuration stays, but for the history. What upper layers hide or remove is in the image no more. Times, owners, hard links and extended
      attributes are kept; members are in the order of their names, so that the same files give the same layer.
      """)

  @Argument(help: "The image, or index of images, at any location.")
  var image: String

  @OptionGroup var options: TransformOptions

  mutating func run() async throws {
    let created = try BuildClock.rfc3339("@\(BuildClock.epoch().seconds)")
    try await options.run(image) { job, images in
      try await Flatten(
        images, scratch: ProcessEnvironment.current.temporaryDirectory, cache: job.cache, created: created)
    }
  }
}
