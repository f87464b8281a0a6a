import ArgumentParser
import ImageBuild
import SystemPackage

/// What commands that stream a layered image from a spec have in common.
struct StreamOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The spec.", valueName: "spec.json"))
  var spec: String

  @Option(help: ArgumentHelp("Write an executable that streams the image instead.", valueName: "file"))
  var script: String?

  @Option(
    name: [.customLong("repo_tag"), .customLong("repo-tag"), .customShort("t")],
    help: ArgumentHelp("The image's name and tag, instead of those in the spec.", valueName: "name:tag"))
  var repoTag: String?

  @OptionGroup var store: StoreOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  /// Writes the script, when one is wanted, otherwise the image that `build` makes, to standard output.
  ///
  /// - Parameter kind: the command's name, which the script has to call.
  func run(_ kind: String, _ build: () async throws -> LayeredImage) async throws {
    if let script { return try StreamScript.write(spec, kind: kind, to: FilePath(script)) }
    var image = try await build()
    if let repoTag { image.repoTag = repoTag }
    let job = LayeredImageJob(store: store, messages: messages)
    try await job.write(image, to: .files(.dockerArchive(nil, name: nil)))
  }
}
