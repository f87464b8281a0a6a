import OrderedJSON
import TestSupport
import Testing

/// Images of Nix expressions in the suite's Docker.
extension NixPlace {
  /// Builds what an expression gives, an archive or a script that streams one, and gives the archive's path.
  func archive(_ expression: String) async throws -> String {
    let path = try await build(expression)
    if path.contains("-stream-") { return try directory.write(try await stream(path), to: "streamed.tar") }
    guard path.hasSuffix(".zst") else { return path }
    // Debian's Docker 20.10 does not know archives that are zstd, as newer ones do.
    let plain = directory.appending("decompressed.tar")
    try await Program.check("zstd", ["-q", "-f", "-d", path, "-o", plain])
    return plain
  }

  /// Builds an image and loads it; the names that it has.
  @discardableResult
  func load(_ expression: String) async throws -> [String] {
    let archive = try await archive(expression)
    try await Engines.docker.docker(["load", "--input", archive])
    return try await repoTags(of: archive)
  }

  /// Builds and loads an image, and gives what a container of it prints.
  ///
  /// - Parameters:
  ///   - command: instead of the image's own; its first word must be a path if it is a link into the store.
  ///   - options: for `docker run`.
  func run(
    _ expression: String, _ command: [String] = [], options: [String] = []
  ) async throws -> String {
    let name = try #require(try await load(expression).first)
    return try await container(name, command, options: options)
  }

  /// What a container of a loaded image prints.
  func container(
    _ name: String, _ command: [String] = [], options: [String] = []
  ) async throws -> String {
    let words = ["run", "--rm", "--network", "none"] + options + [name] + command
    return try await Engines.docker.docker(words).text
  }

  /// What Docker knows of a loaded image.
  func inspect(_ name: String) async throws -> JSONValue {
    let facts = try await Engines.docker.docker(["image", "inspect", name])
    return try #require(try JSONValue(parsing: facts.output).array?.first)
  }
}
