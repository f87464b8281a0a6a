import ArgumentParser
import ImageBuild
import SystemPackage

/// `cooper stream layered`: dockerTools' streamLayeredImage.
struct StreamLayered: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layered",
    abstract: "Writes the image of a spec to standard output, uncompressed, or a script that does.",
    discussion: """
      Examples:
        cooper stream layered spec.json | docker load
        cooper stream layered spec.json --script stream-hello && ./stream-hello | docker load
      """)

  @Argument(help: ArgumentHelp("The spec.", valueName: "spec.json"))
  var spec: String

  @Option(help: ArgumentHelp("Write an executable that streams the image instead.", valueName: "file"))
  var script: String?

  @Option(
    name: [.customLong("repo_tag"), .customLong("repo-tag"), .customShort("t")],
    help: ArgumentHelp("The image's name and tag, instead of those in the spec.", valueName: "name:tag"))
  var repoTag: String?

  @OptionGroup var store: StoreOptions
  @OptionGroup var scripts: ScriptOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  mutating func run() async throws {
    let spec = try BuildFile.spec(self.spec)
    if let script { return try StreamScript.write(self.spec, to: FilePath(script)) }
    var image = try await LayeredBuild(
      spec: spec, store: store, registry: registry, messages: messages, settings: scripts.settings
    )
    .image()
    if let repoTag { image.repoTag = repoTag }
    let job = LayeredImageJob(store: store, messages: messages)
    try await job.write(image, to: .files(.dockerArchive(nil, name: nil)))
  }
}
