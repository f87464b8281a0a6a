import ArgumentParser
import ImageBuild
import OrderedJSON

/// `cooper build shell`: dockerTools' buildNixShellImage.
struct BuildShell: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shell",
    abstract: "Builds an image with the environment that a derivation is built in, as nix-shell has it.",
    discussion: """
      Examples:
        cooper build shell spec.json -o image.tar.gz
        cooper build shell spec.json -o docker://registry.example.com/team/hello-env:1.0

      A spec is a JSON object with the inputs of dockerTools.buildNixShellImage; the derivation is what nix-instantiate prints:
        {"drv": "/nix/store/…-hello-2.12.1.drv", "tag": "latest"}
      “cooper spec shell” prints a schema of all keys. In a container, “buildDerivation” builds the derivation.
      """)

  @OptionGroup var build: BuildOptions

  mutating func run() async throws {
    let layered = try await ShellBuild(
      spec: BuildFile.shellSpec(build.spec), store: build.store, registry: build.registry,
      messages: build.messages
    ).layered()
    try await build.write(try await layered.image(), of: layered.spec.common)
  }
}
