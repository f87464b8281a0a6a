import ArgumentParser
import ImageBuild

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

  @OptionGroup var build: BuildOptions
  @OptionGroup var scripts: ScriptOptions

  mutating func run() async throws {
    let spec = try BuildFile.spec(build.spec)
    let image = try await LayeredBuild(
      spec: spec, store: build.store, registry: build.registry, messages: build.messages,
      settings: scripts.settings
    ).image()
    try await build.write(image, of: spec.common)
  }
}
