import ArgumentParser
import OrderedJSON
import Registry

/// `cooper catalog`: the repositories of a registry.
struct Catalog: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the repositories of a registry, sorted.",
    discussion: """
      Docker Hub, ghcr.io and quay.io do not answer this.

      Example:
        cooper catalog registry.example.com
      """)

  @Argument(help: "The registry: HOST[:PORT].")
  var host: String

  @Flag(help: "Print JSON: registry and repositories.")
  var json = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    guard let name = LoginName(host), !name.description.contains("/") else {
      throw UsageError("“\(host)” is no registry; give HOST or HOST:PORT")
    }
    let endpoint = try RegistryEnvironment(registry).endpoint(registry: name.domain)
    let access = try RegistryAccess(registry, output: output, domain: name.domain)
    let names = try await access.client.catalog(of: endpoint).sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
    if json {
      try Console.output([
        "registry": .string(name.domain), "repositories": .array(names.map { .string($0) }),
      ])
    } else {
      try Console.output(Array(names.map { $0.printable + "\n" }.joined().utf8))
    }
  }
}
