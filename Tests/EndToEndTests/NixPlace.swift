import Foundation
import OrderedJSON
import TestSupport
import Testing

/// A private Nix store with Cooper in it, and expressions over testdata's packages; everything is built in Nix's sandbox.
final class NixPlace: Sendable {
  /// That of the suite that is running; see `WithNixStore`.
  @TaskLocal static var current: NixPlace?

  let directory: TemporaryDirectory
  /// What `/nix/store` is below.
  let store: String
  /// The store path of the program.
  let cooper: String
  let environment: [String: String]
  /// What comes before each command: nothing, or a program that becomes another user.
  private let prefix: [String]

  private static let repository = #filePath.split(separator: "/").dropLast(3).reduce("") {
    $0 + "/" + $1
  }

  /// Makes a store; `user` is the number of an ordinary user who has it, and `hasMachine` says whether there are packages for virtual machines.
  init(user: Int? = nil, hasMachine: Bool = false) async throws {
    try Program.require("nix-build", package: "nix-bin")
    if hasMachine { try Program.require("qemu-system-x86_64", package: "qemu-system-x86") }
    directory = try TemporaryDirectory()
    store = directory.appending("store")
    environment = [
      "HOME": directory.path, "NIX_REMOTE": store, "XDG_CACHE_HOME": directory.appending("cache"),
      "NIX_CONFIG":
        "build-users-group =\nsandbox = true\nsubstituters =\nexperimental-features = nix-command",
    ]
    prefix = user.map { ["setpriv", "--reuid=\($0)", "--regid=\($0)", "--clear-groups", "--"] } ?? []
    // Copies, since not everybody may look into the repository.
    let script = """
      set -e
      mkdir "$1/store"
      cp -r "$2/tools/nix" "$1/tools"
      cp -r "$2/testdata/nix" "$1/nix"
      cp -L "$3" "$1/program"
      cp -L "$5" "$1/"
      chmod -R a+rX "$1"
      [ -z "$4" ] || chown -R "$4:$4" "$1"
      """
    try await Program.check(
      "/bin/bash",
      [
        "-c", script, "bash", directory.path, Self.repository, Program.builtTool, user.map(String.init) ?? "",
        MachineParts.guest,
      ])
    let (command, environment, path) = (prefix, environment, directory.path)
    func run(_ words: [String]) async throws -> Program.Result {
      let words = command + words
      return try await Program.check(words[0], Array(words.dropFirst()), environment: environment)
    }
    let kernel = hasMachine ? [try await MachineParts.kernel()] : []
    _ = try await run(["/bin/bash", "\(path)/nix/stage", "\(path)/staging"] + kernel)
    cooper = try await run(["/bin/bash", "\(path)/tools/add-to-store", "--program", "\(path)/program"]).text
  }

  /// Removes the store; its directories may not be written to.
  func remove() async {
    _ = try? await Program.run("chmod", ["-R", "u+w", directory.path])
    directory.remove()
  }

  /// An expression with packages, `dockerTools` and `example` in its scope.
  private func scope(_ expression: String) -> String {
    """
    with import \(directory.path)/nix {
      staging = \(directory.path)/staging; cooper = "\(cooper)"; tools = \(directory.path)/tools;
    }; \(expression)
    """
  }

  func nix(
    _ program: String, _ arguments: [String], environment more: [String: String] = [:]
  ) async throws -> Program.Result {
    let words = prefix + [program] + arguments
    return try await Program.run(
      words[0], Array(words.dropFirst()), environment: environment.merging(more) { $1 })
  }

  /// Builds what an expression gives, whatever comes of it.
  func tryToBuild(
    _ expression: String, _ options: [String] = [], environment: [String: String] = [:]
  ) async throws -> Program.Result {
    try await nix(
      "nix-build", ["--no-out-link", "--expr", scope(expression)] + options, environment: environment)
  }

  /// Builds what an expression gives; the path on this machine.
  func build(
    _ expression: String, _ options: [String] = [], environment: [String: String] = [:]
  ) async throws -> String {
    let result = try await tryToBuild(expression, options, environment: environment)
    guard result.status == 0 else {
      throw TestSupportError.failed(
        command: "nix-build \(expression)", status: result.status, errors: result.errors)
    }
    return store + result.text
  }

  /// Evaluates an expression, whatever comes of it.
  func tryToEvaluate(_ expression: String) async throws -> Program.Result {
    try await nix(
      "nix-instantiate", ["--eval", "--strict", "--json", "--read-write-mode", "--expr", scope(expression)])
  }

  /// The value of an expression.
  func evaluate(_ expression: String) async throws -> JSONValue {
    let result = try await tryToEvaluate(expression)
    guard result.status == 0 else {
      throw TestSupportError.failed(
        command: "nix-instantiate \(expression)", status: result.status, errors: result.errors)
    }
    return try JSONValue(parsing: result.output)
  }

  /// Runs a stream script of the store; its output.
  func stream(_ script: String, _ options: [String] = []) async throws -> [UInt8] {
    try await Program.check(
      Program.builtTool, ["stream", script, "--no-layer-cache"] + options, environment: environment
    ).output
  }

  /// A document of an archive.
  func member(_ name: String, of archive: String) async throws -> JSONValue {
    try JSONValue(parsing: await Program.check("tar", ["-xOf", archive, name]).output)
  }

  /// The names of an archive's images.
  func repoTags(of archive: String) async throws -> [String] {
    try await (member("manifest.json", of: archive).array ?? []).flatMap {
      ($0["RepoTags"]?.array ?? []).compactMap(\.string)
    }
  }

  /// The configuration of an archive's image.
  func configuration(of archive: String) async throws -> JSONValue {
    let manifest = try await member("manifest.json", of: archive)
    return try await member(try #require(manifest.array?.first?["Config"]?.string), of: archive)
  }

  /// The members of the image's layers as `tar -tv` lists them, numbers for owners.
  func files(of archive: String) async throws -> [[String]] {
    let manifest = try await member("manifest.json", of: archive)
    var layers: [[String]] = []
    for name in (manifest.array?.first?["Layers"]?.array ?? []).compactMap(\.string) {
      let layer = try await Program.check("tar", ["-xOf", archive, name]).output
      let list = try await Program.check("tar", ["--numeric-owner", "-tv"], input: layer)
      layers.append(list.text.split(separator: "\n").map(String.init))
    }
    return layers
  }
}

/// Makes one store for all tests of a suite: `@Suite(WithNixStore())`.
struct WithNixStore: SuiteTrait, TestScoping {
  /// Not inherited by suites inside, so that there is one store.
  var isRecursive: Bool { false }

  /// The trait.
  init() {}

  /// Runs the suite's tests with `NixPlace.current`.
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let place = try await NixPlace()
    let result = await Result { try await NixPlace.$current.withValue(place) { try await function() } }
    await place.remove()
    try result.get()
  }
}

extension NixPlace {
  /// The place of the suite.
  static var suite: NixPlace {
    get throws { try #require(NixPlace.current, "the suite has no Nix store") }
  }
}

extension Result where Failure == any Error {
  /// What an asynchronous call comes to.
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
