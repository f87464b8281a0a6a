import ArgumentParser
import ImageArchive
import ImageBuild
import OCIModel
import OrderedJSON

/// `cooper rebase`: the layers of a base image are replaced by those of another one.
struct RebaseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebase",
    abstract: "Puts an image on another base: swaps the base's layers, and keeps the image's own.",
    discussion: """
      Examples:
        cooper rebase team/app:1.0 --old-base debian:12.1 --new-base debian:12.2 -o docker://registry.example.com/team/app:1.0
        cooper rebase team/app:1.0 -o docker://registry.example.com/team/app:1.0 --pinned

      The old base's layers must be the lowest layers of the image, by their diff IDs; otherwise the first one that differs is named, and the
      exit status is 3. Each platform of the image is rebased on the same platform of the bases. The configuration stays the image's own
      (an environment that the new base brings is not taken over); history and base annotations follow.

      Without --old-base and --new-base, the annotations or labels org.opencontainers.image.base.name and .digest of the image tell: the old
      base is the name with the digest, the new one what the name stands for now. They are written for the next time; in Docker's manifests,
      which have no annotations, as labels.
      """)

  @Argument(help: "The image, or index of images, at any location.")
  var image: String

  @Option(
    help: ArgumentHelp(
      "The base that the image was built on, at any location. Default: from annotations.", valueName: "image")
  )
  var oldBase: String?

  @Option(
    help: ArgumentHelp(
      "The base to put it on, at any location. Default: from annotations.", valueName: "image")
  )
  var newBase: String?

  @Flag(help: "Print the command that does the same again, with every image by its digest.")
  var pinned = false

  @OptionGroup var options: TransformOptions

  mutating func run() async throws {
    if pinned, options.result.output == "-" {
      throw UsageError("--pinned prints to standard output, where -o - writes the image")
    }
    var command: String?
    try await options.run(image) { job, images in
      let bases = RebaseBases(images, below: try await job.open(image).whole.root, old: oldBase, new: newBase)
      let pairs = try await bases.open(through: job)
      if pinned {
        command = try pinnedCommand(image: await job.open(image), pairs: pairs)
        job.facts["pinned"] = command.map { .string($0) }
      }
      return try await Rebase(images) { image in
        guard let pair = pairs[image.identity] else { preconditionFailure("an image without bases") }
        return (pair.old.base, pair.new.base)
      }
    }
    if let command, !options.result.json { try Console.output(command) }
  }

  private func pinnedCommand(
    image: OpenedImage, pairs: [ImageDraft.Identity: RebaseBases.Pair]
  ) throws -> String {
    let (old, new) = (
      Set(pairs.values.map(\.old.pinnedLocation)), Set(pairs.values.map(\.new.pinnedLocation))
    )
    guard let old = old.first, let new = new.first,
      pairs.values.allSatisfy({
        $0.old.pinnedLocation == old && $0.new.pinnedLocation == new
      })
    else {
      throw UsageError(
        "the platforms of \(self.image) have different bases, which one command cannot name; use --platform with --pinned"
      )
    }
    var words = ["cooper", "rebase", image.pinnedLocation, "--old-base", old, "--new-base", new]
    if let platform = options.choice.platform { words += ["--platform", platform.description] }
    if let format = options.result.format { words += ["--format", format.rawValue] }
    words += ["-o", options.result.output]
    return words.map(\.quotedForShell).joined(separator: " ")
  }
}
