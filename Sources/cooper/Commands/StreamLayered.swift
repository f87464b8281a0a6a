import ArgumentParser
import ImageBuild

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

  @OptionGroup var stream: StreamOptions
  @OptionGroup var scripts: ScriptOptions

  mutating func run() async throws {
    let spec = try BuildFile.spec(stream.spec)
    try await stream.run("layered") { [stream, scripts] in
      try await LayeredBuild(
        spec: spec, store: stream.store, registry: stream.registry, messages: stream.messages,
        settings: scripts.settings
      ).image()
    }
  }
}
