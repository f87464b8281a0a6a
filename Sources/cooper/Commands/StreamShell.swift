import ArgumentParser
import ImageBuild

/// `cooper stream shell`: dockerTools' streamNixShellImage.
struct StreamShell: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shell",
    abstract:
      "Writes the image with a derivation's build environment to standard output, or a script that does.",
    discussion: """
      Examples:
        cooper stream shell spec.json | docker load
        cooper stream shell spec.json --script stream-hello-env && ./stream-hello-env | docker load

      The spec is that of “cooper build shell”.
      """)

  @OptionGroup var stream: StreamOptions

  mutating func run() async throws {
    let spec = try BuildFile.shellSpec(stream.spec)
    try await stream.run("shell") { [stream] in
      try await ShellBuild(
        spec: spec, store: stream.store, registry: stream.registry, messages: stream.messages
      ).layered().image()
    }
  }
}
