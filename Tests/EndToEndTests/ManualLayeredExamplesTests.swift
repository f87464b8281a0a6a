import OrderedJSON
import TestSupport
import Testing

extension FixtureStoreTests {
  /// The examples of the manual for buildLayeredImage and streamLayeredImage, run by Docker.
  @Suite(WithDockerDaemon(), .serialized) struct ManualLayeredExamplesTests {
    private static func run(_ image: String, _ arguments: [String] = []) async throws -> String {
      try await Engines.docker.docker(["run", "--rm", "--network", "none"] + arguments + [image]).text
    }

    /// The hello example under a name of one's own, since the daemon is the suite's.
    private static func hello(_ name: String, _ store: StoreFixture, _ more: JSONObject = [:]) throws
      -> JSONObject
    {
      var members: JSONObject = [
        "name": .string(name), "tag": "latest", "contents": [.string(try store.top(5))],
        "config": ["Cmd": ["/bin/hello"]],
      ]
      for member in more.members { members[member.name] = member.value }
      return members
    }

    /// What nixpkgs' script says while it makes an image.
    private static func messages(_ layers: [[String]]) -> String {
      let lines = layers.enumerated().map { index, paths in
        let list = paths.map { "'\($0)'" }.joined(separator: ", ")
        return "Creating layer \(index + 1) from paths: [\(list)]"
      }
      let last = ["Creating layer \(layers.count + 1) with customisation...", "Adding manifests...", "Done."]
      return (["No 'fromImage' provided"] + lines + last).map { $0 + "\n" }.joined()
    }

    @Test func `hello has a layer for each path, says so, and greets`() async throws {
      try await FixtureWorkplace.with { workplace in
        let paths = try workplace.store.closure(5)
        let (facts, errors) = try await workplace.build(
          Self.hello("hello", workplace.store), output: "hello.tar.gz")
        #expect(facts["compression"] == "gz")
        #expect(facts["tags"] == ["hello:latest"])
        #expect(facts["config"]?["created"] == "1970-01-01T00:00:01+00:00")
        #expect(facts["config"]?["os"] == "linux")
        #expect(facts.settings == ["Cmd": ["/bin/hello"]])
        let layers = try await workplace.popularLayers(5, maxLayers: 100, referencesOf: facts.top)
        #expect(facts.storePaths == layers + [[]])
        #expect(Set(layers.joined()) == Set(paths))
        #expect(errors == Self.messages(layers))
        let docker = try Engines.docker
        let loaded = try await docker.docker(["load", "--input", workplace.path("hello.tar.gz")])
        #expect(loaded.text.contains("Loaded image: hello:latest"))
        #expect(try await Self.run("hello:latest") == "Hello, world!")
        let inspect = ["image", "inspect", "--format", "{{.Created}} {{.Id}}", "hello:latest"]
        let id = try #require(facts["configDigest"]?.string)
        #expect(try await docker.docker(inspect).text == "1970-01-01T00:00:01Z sha256:\(id)")
      }
    }

    @Test func `what is streamed is the archive before it was compressed, and Docker takes it from a pipe`()
      async throws
    {
      try await FixtureWorkplace.with { workplace in
        let members = try Self.hello("hello-stream", workplace.store)
        let built = try await workplace.build(members, output: "hello.tar.gz")
        let spec = try workplace.spec(members)
        let script = workplace.path("stream-hello")
        #expect(try await workplace.cooper(["stream", "layered", spec, "--script", script]).status == 0)
        let streams = [
          try await workplace.cooper(["stream", "layered", spec]),
          try await Program.check(
            script,
            environment: workplace.store.environment.merging(["HOME": workplace.place.home.path]) { $1 }),
        ]
        let plain = try await Program.check("gzip", ["-dc", workplace.path("hello.tar.gz")]).output
        for stream in streams {
          #expect(stream.status == 0)
          #expect(stream.errors == built.errors)
          #expect((stream.output == plain) as Bool)
        }
        let loaded = try await Engines.docker.docker(["load"], input: streams[0].output)
        #expect(loaded.text.contains("Loaded image: hello-stream:latest"))
        #expect(try await Self.run("hello-stream:latest") == "Hello, world!")
      }
    }

    @Test func `without a tag there is one of 32 characters, and the layers are as the manual draws them`()
      async throws
    {
      try await FixtureWorkplace.with { workplace in
        let hello = try workplace.store.top(5)
        let (facts, _) = try await workplace.build(["tag": .null, "contents": [.string(hello)]])
        let tag = try #require(facts["tags"]?.array?.first?.string)
        #expect(tag.wholeMatch(of: #/image:[0-9a-df-np-sv-z]{32}/#) != nil, "\(tag)")
        #expect(facts.layers.count == 6)
        for (paths, layer) in zip(facts.storePaths, facts.layers.dropLast()) {
          let path = try #require(paths.first)
          #expect(paths.count == 1)
          #expect(layer[0].name == "/nix" && layer[1].name == "/nix/store")
          #expect(layer.dropFirst(2).allSatisfy { $0.path == path || $0.path.hasPrefix(path + "/") })
          #expect(layer.allSatisfy { $0.modified == 1 && $0.owner == "0:0" && $0.ownerName == "root:root" })
          #expect(layer[0].mode == "755" && layer[1].mode == "755")
          #expect(layer.allSatisfy { $0.kind == "link" || ["444", "555", "755"].contains($0.mode) })
        }
        for path in ["/bin/hello", "/share/info/hello.info", "/share/man/man1/hello.1.gz"] {
          #expect(facts.member(path)?.kind == "link", "\(path)")
          #expect(facts.member(path)?.target == hello + path)
        }
        let kinds = Set(facts.top.map(\.kind))
        #expect(kinds == ["directory", "link"])
        #expect(Set(facts.top.filter { $0.kind == "directory" }.map(\.mode)) == ["755"])
        // 1980: the customisation layer is GNU tar's.
        #expect(Set(facts.top.map(\.modified)) == [315_532_800])
        #expect(!facts.top.contains { $0.path.hasPrefix("/nix") })
      }
    }

    @Test func `the same definition has the same tag, another definition another`() async throws {
      try await FixtureWorkplace.with { workplace in
        func tag(_ more: JSONObject) async throws -> String {
          var members: JSONObject = ["tag": .null, "contents": [.string(try workplace.store.top(5))]]
          for member in more.members { members[member.name] = member.value }
          return try #require(try await workplace.build(members).facts["tags"]?.array?.first?.string)
        }
        let first = try await tag([:])
        #expect(try await tag([:]) == first)
        let others: [JSONObject] = [
          ["config": ["Cmd": ["/bin/hello"]]], ["contents": []], ["extraCommands": "mkdir x"],
          ["architecture": "arm64"], ["created": "2024-01-01"], ["mtime": "2024-01-01"], ["maxLayers": 3],
          ["uid": 1],
        ]
        var tags: Set = [first]
        for other in others { tags.insert(try await tag(other)) }
        #expect(tags.count == others.count + 1)
      }
    }

    @Test func `without store paths only the links are there, which work where the store is mounted`()
      async throws
    {
      try await FixtureWorkplace.with { workplace in
        let members = try Self.hello("hello-links", workplace.store, ["includeStorePaths": false])
        let (facts, errors) = try await workplace.build(members)
        #expect(facts.layers.count == 1)
        #expect(errors == Self.messages([]))
        #expect(facts.member("/bin/hello")?.target == (try workplace.store.top(5)) + "/bin/hello")
        #expect(!facts.top.contains { $0.path.hasPrefix("/nix") })
        let docker = try Engines.docker
        try await docker.docker(["load", "--input", workplace.path("out.tar")])
        await #expect(throws: TestSupportError.self) { try await Self.run("hello-links:latest") }
        let mount = ["--volume", "\(workplace.store.root)/nix/store:/nix/store:ro"]
        #expect(try await Self.run("hello-links:latest", mount) == "Hello, world!")
      }
    }

    @Test func `a path in the configuration brings what it needs, in the layers of the other way`()
      async throws
    {
      try await FixtureWorkplace.with { workplace in
        let hello = try workplace.store.top(5)
        let (linked, _) = try await workplace.build(Self.hello("x", workplace.store), output: "x.tar")
        let (facts, _) = try await workplace.build(
          [
            "name": "hello-config", "tag": "latest", "config": ["Cmd": [.string(hello + "/bin/hello")]],
          ])
        #expect(facts.storePaths == linked.storePaths)
        #expect(facts.diffIDs.dropLast() == linked.diffIDs.dropLast())
        #expect(facts.top.map(\.path) == ["/"])
        try await Engines.docker.docker(["load", "--input", workplace.path("out.tar")])
        #expect(try await Self.run("hello-config:latest") == "Hello, world!")
      }
    }

    @Test func `a user other than root can run what is in the store`() async throws {
      try await FixtureWorkplace.with { workplace in
        _ = try await workplace.build(Self.hello("hello-user", workplace.store))
        try await Engines.docker.docker(["load", "--input", workplace.path("out.tar")])
        #expect(try await Self.run("hello-user:latest", ["--user", "1000:1000"]) == "Hello, world!")
      }
    }

    @Test(arguments: ["none", "gz", "zstd"])
    func `Docker loads an image whatever it is compressed by`(compressor: String) async throws {
      try await FixtureWorkplace.with { workplace in
        let name = "hello-\(compressor)"
        let (facts, _) = try await workplace.build(
          Self.hello(name, workplace.store, ["compressor": .string(compressor)]))
        #expect(facts["compression"] == .string(compressor))
        // Debian's dockerd does not know zstd.
        let archive = workplace.path("out.tar")
        let bytes =
          compressor == "zstd"
          ? try await Program.check("zstd", ["-dc", archive]).output
          : try workplace.place.directory.read("out.tar")
        try await Engines.docker.docker(["load"], input: bytes)
        #expect(try await Self.run(name + ":latest") == "Hello, world!")
      }
    }
  }
}
