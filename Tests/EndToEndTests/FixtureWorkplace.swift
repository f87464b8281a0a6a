import Foundation
import OrderedJSON
import TestSupport
import Testing

/// A user of the tool with the suite's store, who builds images from specs.
struct FixtureWorkplace {
  let place: Workplace
  let store: StoreFixture

  init() throws {
    store = try StoreFixture.current
    place = try Workplace()
  }

  /// Calls `body` with a workplace that is removed afterwards.
  static func with<Value>(_ body: (FixtureWorkplace) async throws -> Value) async throws -> Value {
    let workplace = try FixtureWorkplace()
    defer { workplace.place.remove() }
    return try await body(workplace)
  }

  func path(_ name: String) -> String { place.directory.appending(name) }

  /// Writes a spec and gives its path.
  func spec(_ members: JSONObject, named name: String = "spec.json") throws -> String {
    try place.directory.write(JSONValue.object(members).serialized(.indented(by: 2)), to: name)
  }

  func cooper(_ arguments: [String], environment: [String: String] = [:]) async throws -> Program.Result {
    try await place.cooper(arguments, environment: store.environment.merging(environment) { $1 })
  }

  /// Builds a spec into `output`, a location in the workplace's directory.
  func run(_ members: JSONObject, output: String = "out.tar") async throws -> Program.Result {
    let (transport, name) = output.contains(":") ? Self.parts(of: output) : ("", output)
    return try await cooper(["build", "layered", spec(members), "-o", transport + path(name)])
  }

  /// Builds a spec, which must be possible, and reads the image; `members` only have to say what is not usual.
  func build(
    _ members: JSONObject, output: String = "out.tar"
  ) async throws -> (facts: ImageFacts, errors: String) {
    var document: JSONObject = ["name": "image", "tag": "1"]
    for member in members.members { document[member.name] = member.value }
    let result = try await run(document, output: output)
    try #require(result.status == 0, "\(result.errors)")
    return (try await ImageFacts(of: path(Self.parts(of: output).name)), result.errors)
  }

  private static func parts(of output: String) -> (transport: String, name: String) {
    let parts = output.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    return parts.count == 1 ? ("", output) : (parts[0] + ":", parts[1])
  }

  /// The layers that nixpkgs' rule makes (`testdata/popularity.py`), `top` being what the last layer links to.
  func popularLayers(_ size: Int, maxLayers: Int, referencesOf top: [ImageFacts.Member]) async throws
    -> [[String]]
  {
    let expression = try Regex("/nix/store/[0-9a-z]{32}-[^/]*")
    let references = top.compactMap { $0.target.prefixMatch(of: expression).map { String($0.0) } }
    let output = try await Program.check(
      "python3",
      [testdata("popularity.py"), "\(store.results)/closure-\(size).json", String(maxLayers)]
        + Set(references).sorted()
    ).output
    return try #require(try JSONValue(parsing: output).array).map { layer in
      layer.array?.compactMap(\.string) ?? []
    }
  }
}

/// Layered images of a real Nix store.
@Suite(WithStoreFixture()) struct FixtureStoreTests {}
