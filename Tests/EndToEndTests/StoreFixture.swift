import Foundation
import TestSupport
import Testing

/// A private Nix store with closures of 5, 40 and 150 paths and one of all oddities; its files are below `root`.
///
/// `testdata/make-store.py` makes one for each suite. With `NIX_STORE_FIXTURE`, the results of a fixture that Nix itself built
/// (`make-store.sh --store`) are taken in its place.
struct StoreFixture: Sendable {
  /// The store of the suite that is running; see `WithStoreFixture`.
  @TaskLocal static var suite: StoreFixture?

  /// The store of the suite that is running.
  static var current: StoreFixture {
    get throws { try #require(suite, "the suite has no store") }
  }

  static let sizes = [5, 40, 150]

  /// Lists and graphs of the closures.
  let results: String
  /// What is before `/nix/store`.
  let root: String

  init(results: String) async throws {
    self.results = results
    let script = "unset NIX_REMOTE; . \"$0/env.sh\"; printf %s \"${NIX_REMOTE?needs a private store}\""
    root = try await Program.check("bash", ["-c", script, results]).text
  }

  /// The paths of a closure, dependencies first, so that the last is the one that needs the others.
  func closure(_ size: Int) throws -> [String] {
    try String(contentsOfFile: "\(results)/closure-\(size).paths", encoding: .utf8)
      .split(separator: "\n").map(String.init)
  }

  /// The path that needs all others of a closure.
  func top(_ size: Int) throws -> String {
    try #require(try closure(size).last)
  }

  /// The path with all oddities.
  func quirks() throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: "\(results)/quirks")
  }

  /// The variables by which Nix's programs find the store.
  var environment: [String: String] {
    ["NIX_REMOTE": root, "NIX_CONFIG": "build-users-group =", "NIX_STORE_DIR": "/nix/store"]
  }
}

/// Gives the tests of a suite a store: `@Suite(WithStoreFixture())`.
struct WithStoreFixture: SuiteTrait, TestScoping {
  /// Not inherited by suites inside, so that there is one store.
  var isRecursive: Bool { false }

  /// The trait.
  init() {}

  /// Runs the suite's tests with `StoreFixture.current`.
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    if let results = ProcessInfo.processInfo.environment["NIX_STORE_FIXTURE"] {
      let store = try await StoreFixture(results: results)
      return try await StoreFixture.$suite.withValue(store) { try await function() }
    }
    try Program.require("nix-store", package: "nix-bin")
    let directory = try TemporaryDirectory()
    // Other users may have to read it, and the files of a store cannot be removed before they can be written.
    try await Program.check("chmod", ["755", directory.path])
    defer { directory.remove() }
    let results = directory.appending("fixture")
    try await Program.check("python3", [testdata("make-store.py"), results])
    let outcome: Result<Void, any Error>
    do {
      let store = try await StoreFixture(results: results)
      outcome = .success(try await StoreFixture.$suite.withValue(store) { try await function() })
    } catch { outcome = .failure(error) }
    try await Program.check("chmod", ["-R", "u+w", results])
    try outcome.get()
  }
}

/// The path of a file of testdata.
func testdata(_ name: String) -> String {
  #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/" + name
}
