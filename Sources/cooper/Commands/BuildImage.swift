import ArgumentParser
import Hashing
import ImageArchive
import ImageBuild
import OrderedJSON

/// `cooper build image`: dockerTools' buildImage.
struct BuildImage: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image",
    abstract: "Builds an image with one layer on top of its base.",
    discussion: """
      Examples:
        cooper build image spec.json -o image.tar.gz
        cooper build image spec.json -o docker://registry.example.com/team/app:1.0
        cooper build image spec.json --print

      A spec is a JSON object with the inputs of dockerTools.buildImage:
        {"name": "hello", "tag": "latest", "copyToRoot": ["./root"], "config": {"Cmd": ["/bin/hello"]}}
      “cooper spec image” prints a schema of all keys.
      """)

  @Argument(help: ArgumentHelp("The spec.", valueName: "spec.json"))
  var spec: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where the image goes: any location.", valueName: "location"))
  var output: String?

  @Flag(help: "Print the image's name and digest as JSON.")
  var json = false

  @Flag(
    help: "Print what the spec says, the layer's digest and the tag as JSON (buildArgs, layer, imageTag).")
  var print = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var scripts: ScriptOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  mutating func validate() throws {
    guard output != nil || print else { throw ValidationError("Say with --output where the image goes.") }
  }

  mutating func run() async throws {
    let spec = try BuildFile.imageSpec(self.spec)
    var image = try await SingleLayerBuild(
      spec: spec, store: store, registry: registry, messages: messages, settings: scripts.settings
    )
    .image()
    if print {
      let layer = try await image.measureLast()
      try Console.output([
        "buildArgs": .object(spec.arguments), "layer": .string(layer.diffID.description),
        "imageTag": .string(image.tag ?? ""),
      ])
    }
    guard let output else { return }
    let job = LayeredImageJob(spec.common, store: store, registry: registry, messages: messages)
    let result = try await job.write(image, to: CopyTarget(output, format: spec.format))
    if json {
      try Console.output(["name": .string(image.repoTag), "digest": .string(result.digest)])
    }
  }
}
