import Foundation
import OrderedJSON
import TestSupport
import Testing

/// A private store with the manual's hello, which runs, and a place for specs that are built with it.
struct HelloStore {
  static let busybox = "/nix/store/0n5q2m1zvg0k8lyjc7pw9d3r4xbfhias-busybox-1.35"
  static let hello = "/nix/store/1hb4k6yh7s6fxqb9ja8v3vbp3bdc9l0m-hello-2.12.1"
  /// As `buildEnv` makes it: `bin` is a link to hello's.
  static let environment = "/nix/store/2vd9s8qqk4m6wjxkfcs1h3y5z0rlpn7g-image-root"
  static let cacert = "/nix/store/3x0c7b5wl2ify9v8k6h4mzq1r3sdpjan-nss-cacert-3.98"
  /// Nothing needs it.
  static let lonely = "/nix/store/4zqj1m9c5f7v3xk0yb8w2hd6s4lrpgni-lonely"

  let place: Workplace
  /// What `/nix/store` is below.
  let root: String

  /// Calls `body` with a store that is removed afterwards.
  static func with(_ body: (HelloStore) async throws -> Void) async throws {
    let store = try HelloStore()
    defer { store.place.remove() }
    try await store.fill()
    try await body(store)
  }

  private init() throws {
    place = try Workplace()
    root = place.directory.appending("private")
  }

  private static let image =
    "oci:" + #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image:1.35"

  /// The same image as a base that has programs in `/bin`.
  static var base: JSONValue { .string(image) }

  private func fill() async throws {
    let exported = path("exported.tar")
    try await check(["export", Self.image, "--arch", "amd64", "-o", exported])
    let script = """
      set -e; umask 022; mkdir -p "$2/bin"; tar -xOf "$5" ./bin/busybox > "$2/bin/busybox"; chmod 755 "$2/bin/busybox"
      for applet in sh cat ls stat env id; do ln -s busybox "$2/bin/$applet"; done
      mkdir -p "$3/bin" "$3/share"; echo 'Hello, world!' > "$3/share/greeting"
      printf '#!%s/bin/sh\\nexec %s/bin/cat %s/share/greeting\\n' "${2#$1}" "${2#$1}" "${3#$1}" > "$3/bin/hello"
      chmod 755 "$3/bin/hello"; mkdir "$4"; ln -s "${3#$1}/bin" "$4/bin"
      mkdir -p "$6/etc/ssl/certs" "$7"; echo certificates > "$6/etc/ssl/certs/ca-bundle.crt"; echo > "$7/file"
      chmod -R a-w "$1/nix/store/"*; rm "$5"
      """
    let trees = [Self.busybox, Self.hello, Self.environment].map { root + $0 }
    try await Program.check(
      "bash", ["-c", script, "bash", root] + trees + [exported, root + Self.cacert, root + Self.lonely])
    let references = [
      Self.busybox: [], Self.hello: [Self.busybox, Self.hello], Self.environment: [Self.hello],
      Self.cacert: [],
      Self.lonely: [],
    ]
    let nodes = references.map { path, references -> JSONValue in
      [
        "path": .string(path), "narSize": 1000, "references": .array(references.map { .string($0) }),
      ]
    }
    try place.directory.write(JSONValue.array(nodes).serialized(), to: "closure.json")
  }

  /// The path of something in the workplace.
  func path(_ name: String) -> String { place.directory.appending(name) }

  // MARK: Building

  /// Writes a spec of an image `hello:latest`, and gives its path.
  func spec(_ members: JSONObject, named name: String = "spec.json") throws -> String {
    var document: JSONObject = ["name": "hello", "tag": "latest", "closure": "closure.json"]
    for member in members.members { document[member.name] = member.value }
    return try place.directory.write(JSONValue.object(document).serialized(), to: name)
  }

  /// Runs cooper on a spec of `members`.
  func run(
    _ members: JSONObject, _ arguments: [String], kind: String = "image", environment: [String: String] = [:]
  ) async throws -> Program.Result {
    try await place.cooper(
      ["build", kind, spec(members), "--store-root", root] + arguments, environment: environment)
  }

  /// Builds an archive in the workplace, and gives its path.
  func build(
    _ members: JSONObject, to name: String = "image.tar.gz", kind: String = "image",
    environment: [String: String] = [:]
  ) async throws -> String {
    let result = try await run(members, ["-o", path(name), "--quiet"], kind: kind, environment: environment)
    try #require(result.status == 0, "\(result.errors)")
    return path(name)
  }

  /// Runs cooper, which must end with status 0.
  @discardableResult
  func check(_ arguments: [String]) async throws -> Program.Result {
    let result = try await place.cooper(arguments)
    try #require(result.status == 0, "\(arguments): \(result.errors)")
    return result
  }

  // MARK: Looking

  /// Mode, owner and name of each member of each layer.
  func layers(of archive: String) async throws -> [[String]] {
    let directory = try TemporaryDirectory(in: place.directory.path)
    defer { directory.remove() }
    try await Program.check("tar", ["-xf", archive, "-C", directory.path])
    let manifest = try JSONValue(parsing: directory.read("manifest.json"))
    var layers: [[String]] = []
    for name in (manifest.array?[0]["Layers"]?.array ?? []).compactMap(\.string) {
      let listing = try await Program.check("tar", ["--numeric-owner", "-tvPf", directory.appending(name)])
      layers.append(
        listing.text.split(separator: "\n").map { line in
          let words = line.split(separator: " ")
          return (words.prefix(2) + words.dropFirst(5)).joined(separator: " ")
        })
    }
    return layers
  }

  /// The configuration that a location's image has.
  func configDigest(_ location: String) async throws -> String? {
    let text = try await check(["inspect", location, "--json", "--arch", "amd64", "--tls-verify=false"])
      .output
    return try JSONValue(parsing: text)["configDigest"]?.string
  }

  // MARK: Docker

  /// Loads an archive into Docker: the name that it says.
  @discardableResult
  func load(_ archive: String) async throws -> String {
    let text = try await Engines.docker.docker(["load", "--quiet", "--input", archive]).text
    return text.components(separatedBy: "Loaded image: ").last ?? ""
  }

  /// What Docker knows of an image.
  func inspect(_ name: String = "hello:latest") async throws -> JSONValue {
    let value = try await JSONValue(parsing: Engines.docker.docker(["image", "inspect", name]).output)
    return try #require(value.array?.first)
  }

  /// What a container prints.
  func container(_ command: [String] = [], image: String = "hello:latest") async throws -> String {
    try await Engines.docker.docker(["run", "--rm", "--network", "none", image] + command).text
  }
}
