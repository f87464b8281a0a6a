import OrderedJSON
import TestSupport
import Testing

extension FixtureStoreTests {
  /// `includeNixDB`: Nix in the container knows the paths of `contents`.
  @Suite(WithDockerDaemon(), .serialized) struct ContainerNixDatabaseTests {
    /// The path of a closure that has a program.
    private static func path(_ paths: [String], named name: String) throws -> String {
      try #require(paths.first { $0.split(separator: "/").last?.dropFirst(33).hasPrefix(name) == true })
    }

    @Test func `nix-store in a container knows the closure of contents, and finds it whole`() async throws {
      try await FixtureWorkplace.with { workplace in
        let paths = try workplace.store.closure(150)
        let nix = try Self.path(paths, named: "nix-2")
        let hello = try workplace.store.top(5)
        let settings: JSONValue = [
          "Env": ["USER=nobody", "NIX_REMOTE=local", "NIX_CONFIG=build-users-group =", "PATH=/bin"]
        ]
        _ = try await workplace.build([
          "name": "nix-db", "contents": [.string(nix), .string(hello)], "includeNixDB": true,
          "config": settings, "extraCommands": "mkdir -m 1777 tmp",
        ])
        let docker = try Engines.docker
        try await docker.docker(["load", "--input", workplace.path("out.tar")])
        func run(_ arguments: [String]) async throws -> [String] {
          let command = ["run", "--rm", "--network", "none", "nix-db:1", "/bin/nix-store"] + arguments
          return try await docker.docker(command).text.split(separator: "\n").map(String.init)
        }
        func outside(_ arguments: [String]) async throws -> [String] {
          try await Program.check("nix-store", arguments, environment: workplace.store.environment)
            .text.split(separator: "\n").map(String.init)
        }
        for path in [nix, hello] {
          for query in ["--references", "--requisites"] {
            let inside = try await run(["--query", query, path]).sorted()
            let expected = try await outside(["--query", query, path]).sorted()
            #expect(inside == expected, "\(query) \(path)")
          }
          #expect(try await run(["--query", "--hash", path]) == outside(["--query", "--hash", path]))
        }
        #expect(try await run(["--verify", "--check-contents"]) == [])
        // What is linked to is kept, and everything is.
        #expect(try await run(["--gc", "--print-dead"]) == [])
      }
    }

    @Test func `what only the configuration brings is in the store, but not in the database`() async throws {
      try await FixtureWorkplace.with { workplace in
        let paths = try workplace.store.closure(40)
        let hello = try workplace.store.top(5)
        let top = try workplace.store.top(40)
        let (facts, _) = try await workplace.build([
          "compressor": "none", "contents": [.string(hello)], "config": ["Cmd": [.string(top)]],
          "includeNixDB": true,
        ])
        #expect(facts.storePaths.joined().sorted() == paths.sorted())
        let layer = String(try #require(facts.diffIDs.last).dropFirst("sha256:".count)) + "/layer.tar"
        let script = """
          tar -xOf "$0" "$1" | tar -xOf - ./nix/var/nix/db/db.sqlite > "$2"
          exec sqlite3 "$2" 'select path from ValidPaths order by path'
          """
        let known = try await Program.check(
          "bash",
          ["-eo", "pipefail", "-c", script, workplace.path("out.tar"), layer, workplace.path("db.sqlite")])
        #expect(
          known.text.split(separator: "\n").map(String.init) == (try workplace.store.closure(5)).sorted())
      }
    }
  }
}
