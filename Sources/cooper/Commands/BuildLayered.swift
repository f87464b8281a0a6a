import ArgumentParser
import ImageBuild
import OCIModel
import OrderedJSON

/// `cooper build layered`: dockerTools' buildLayeredImage.
struct BuildLayered: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layered",
    abstract: "Builds an image with a layer for each popular store path, and for each plain directory.",
    discussion: """
      Examples:
        cooper build layered spec.json -o image.tar.gz
        cooper build layered spec.json -o oci:layout:1.0
        cooper build layered spec.json -o docker://registry.example.com/team/app:1.0

      A spec is a JSON object with the inputs of dockerTools.buildLayeredImage:
        {"name": "hello", "contents": ["/nix/store/…-hello-2.12.1"], "config": {"Cmd": ["/bin/hello"]}}
      “cooper spec layered” prints a schema of all keys.
      """)

  @Argument(help: ArgumentHelp("The spec.", valueName: "spec.json"))
  var spec: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where the image goes: any location.", valueName: "location"))
  var output: String

  @Flag(help: "Print the image's name and digest as JSON.")
  var json = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var scripts: ScriptOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var messages: OutputOptions

  mutating func run() async throws {
    let spec = try BuildFile.spec(self.spec)
    let image = try await LayeredBuild(
      spec: spec, store: store, registry: registry, messages: messages, settings: scripts.settings
    )
    .image()
    let job = LayeredImageJob(spec.common, store: store, registry: registry, messages: messages)
    let result = try await job.write(image, to: CopyTarget(output, format: spec.format))
    if json {
      try Console.output(["name": .string(image.repoTag), "digest": .string(result.digest)])
    }
  }
}
