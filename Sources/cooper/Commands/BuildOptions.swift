import ArgumentParser
import ImageBuild
import OrderedJSON

/// What commands that build a layered image from a spec have in common.
struct BuildOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The spec.", valueName: "spec.json"))
  var spec: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where the image goes: any location.", valueName: "location"))
  var output: String

  @Flag(help: "Print the image's name and digest as JSON.")
  var json = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  /// Writes the image to where it is wanted, as the spec says.
  func write(_ image: LayeredImage, of spec: BuildSpec) async throws {
    let job = LayeredImageJob(spec, store: store, registry: registry, messages: messages)
    let result = try await job.write(image, to: CopyTarget(output, format: spec.format))
    if json {
      try Console.output(["name": .string(image.repoTag), "digest": .string(result.digest)])
    }
  }
}
