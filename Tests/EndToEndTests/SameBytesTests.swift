import Foundation
import OrderedJSON
import TestSupport
import Testing

extension FixtureStoreTests {
  /// The same spec gives the same bytes anywhere (promise P3).
  @Suite struct SameBytesTests {
    /// How a program is started: in front of it in a shell, and its variables.
    struct Surroundings: Sendable, CustomTestStringConvertible {
      let testDescription: String
      var prefix: [String] = []
      var mask = "022"
      var variables: [String: String] = [:]
      var needsRoot = false
      /// Where the spec and its directory are, in the workplace.
      var place = "there"
    }

    private static let surroundings = [
      Surroundings(testDescription: "tight mask", mask: "077"),
      Surroundings(testDescription: "no mask", mask: "000"),
      Surroundings(
        testDescription: "language and time zone",
        variables: ["LC_ALL": "C", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kolkata"]),
      Surroundings(testDescription: "one core", prefix: ["taskset", "-c", "0"]),
      Surroundings(
        testDescription: "a user without a name",
        prefix: ["setpriv", "--reuid", "47110", "--regid", "47111", "--clear-groups", "--"], needsRoot: true),
      Surroundings(testDescription: "another directory", place: "else/where it is"),
      Surroundings(
        testDescription: "a date for reproducible builds", variables: ["SOURCE_DATE_EPOCH": "1700000000"]),
    ]

    private static func definition(_ store: StoreFixture) throws -> JSONObject {
      [
        // Not asked of nix-store, which answers the owner of a store only.
        "name": "image", "closure": .string("\(store.results)/closure-40.json"),
        "contents": [.string(try store.top(40)), "plain", "helper:fakeNss"],
        "config": ["Cmd": ["/bin/hello"], "Env": ["B=2", "A=1"]], "maxLayers": 12, "includeNixDB": true,
        "permissions": [["path": "/data/**", "uid": 5]],
        "extraCommands":
          "mkdir made; date -d @0 > made/date; umask > made/mask; ls /nowhere 2>> made/words || true; touch made/b made/A made/_",
        "fakeRootCommands": "chown -R 7:8 made; mknod made/null c 1 3",
      ]
    }

    /// Makes the spec and its directory; files that are there in another order, and of another age.
    private static func write(_ workplace: FixtureWorkplace, to place: String, reversed: Bool) async throws {
      let files = ["data/b", "data/a", "data/c/d", "data/Z", "data/größe"]
      for file in reversed ? files.reversed() : files {
        try workplace.place.directory.write(file, to: "\(place)/plain/\(file)")
      }
      try workplace.place.directory.write(
        JSONValue.object(definition(workplace.store)).serialized(), to: place + "/spec.json")
      let script =
        "chmod -R a+rX \"$0\"; \(reversed ? "find \"$0/plain\" -exec touch -d @77777777 {} +" : ":")"
      try await Program.check("bash", ["-ec", script, workplace.path(place)])
    }

    private static func build(_ workplace: FixtureWorkplace, in surroundings: Surroundings) async throws
      -> [UInt8]
    {
      let home = workplace.path("home-" + UUID().uuidString)
      let script = """
        umask "$0"; mkdir -m 777 "$1"; export TMPDIR=$1 HOME=$1; cd "$1"; shift; exec "$@"
        """
      let command =
        surroundings.prefix + [
          try Program.builtTool, "build", "layered",
          workplace.path(surroundings.place) + "/spec.json", "-o", "-", "--no-layer-cache",
        ]
      let result = try await Program.check(
        "bash", ["-ec", script, surroundings.mask, home] + command,
        environment: workplace.store.environment.merging(["LC_ALL": "C.UTF-8", "TZ": "UTC"]) { $1 }
          .merging(surroundings.variables) { $1 })
      return result.output
    }

    @Test(arguments: surroundings)
    func `the same spec gives the same bytes`(surroundings: Surroundings) async throws {
      guard !surroundings.needsRoot || geteuid() == 0 else {
        throw TestSupportError.needsRoot("another user's cooper")
      }
      try await FixtureWorkplace.with { workplace in
        try await Program.check("chmod", ["755", workplace.place.directory.path])
        try await Self.write(workplace, to: "there", reversed: false)
        let plain = try await Self.build(workplace, in: Surroundings(testDescription: "plain"))
        #expect(plain.count > 1_000_000)
        if surroundings.place != "there" {
          try await Self.write(workplace, to: surroundings.place, reversed: true)
        }
        let other = try await Self.build(workplace, in: surroundings)
        #expect((plain == other) as Bool)
      }
    }
  }
}
