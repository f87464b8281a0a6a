import ArgumentParser
import OrderedJSON
import Registry

/// The command that removes logins.
struct Logout: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Removes the stored logins of a registry.",
    discussion: """
      Removes the login from all files that cooper looks into, Docker's and podman's, and from the \
      credential helpers they name; with --authfile or REGISTRY_AUTH_FILE from that file alone.

      EXAMPLES:
        cooper logout quay.io
        cooper logout --all
      """)

  @Argument(help: ArgumentHelp("Registry, or a namespace in it.", valueName: "host[:port][/namespace]"))
  var registry: String?

  @Flag(help: "Remove the logins of all registries.")
  var all = false

  @Flag(help: "Print what was removed as JSON.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "The only login file to use, instead of those of Docker and podman.", valueName: "file"))
  var authfile: String?

  mutating func validate() throws {
    if all, registry != nil { throw ValidationError("give either a registry or --all.") }
  }

  mutating func run() async throws {
    let store = LoginStore(authfile: authfile, environment: .current)
    let places: [LoginStore.Place]
    if all {
      places = try await store.removeAll()
    } else {
      let text = registry ?? "docker.io"
      guard let name = LoginName(text) else { throw LoginError.badRegistry(text) }
      places = try await store.remove(name)
      guard !places.isEmpty else { throw LoginError.notLoggedIn(name.description) }
    }
    try report(places)
  }

  private func report(_ places: [LoginStore.Place]) throws {
    if json {
      let facts = places.map { place -> JSONValue in
        [
          "file": .string(place.path), "helper": place.helper.map { .string($0) } ?? .null,
          "removed": .array(place.keys.map { .string($0) }),
        ]
      }
      return try Console.output(JSONValue.array(facts).text)
    }
    if places.isEmpty { try Console.output("No logins are stored.") }
    for place in places {
      let helper = place.helper.map { " and the credential helper \($0)" } ?? ""
      let what = place.keys.isEmpty ? "the login" : place.keys.joined(separator: ", ")
      try Console.output("Removed \(what) from \(place.path)\(helper).")
    }
  }
}
