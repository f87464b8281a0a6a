import ArgumentParser
import OCIModel
import OrderedJSON
import Registry

/// `cooper tags`: the tags of a repository.
struct Tags: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the tags of a repository, sorted.",
    discussion: """
      Example:
        cooper tags nixos/nix
      """)

  @Argument(help: "The repository: NAME.")
  var repository: String

  @Flag(help: "Print JSON: repository and tags.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let source = try Pull.registryReference(repository)
    let access = try RegistryAccess(registry, output: output, domain: source.domain)
    let tags = try await access.client.tags(of: source).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    if json {
      try Console.output(["repository": .string(source.name), "tags": .array(tags.map { .string($0) })])
    } else {
      try Console.output(Array(tags.map { $0 + "\n" }.joined().utf8))
    }
  }
}
