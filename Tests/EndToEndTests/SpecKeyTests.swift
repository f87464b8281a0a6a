import OrderedJSON
import TestSupport
import Testing

extension FixtureStoreTests {
  /// What the keys of a spec do that the manual does not have (design.md, section 4), and which base image is taken.
  @Suite struct SpecKeyTests {
    // MARK: Permissions

    @Test func `permissions give what their patterns match modes and owners, the later over the earlier`()
      async throws
    {
      try await FixtureWorkplace.with { workplace in
        for file in ["etc/app/conf", "etc/app/deep/conf.d", "etc/other", "bin/run", "bin/run2"] {
          try workplace.place.directory.write(file, to: "plain/" + file)
        }
        let script = "chmod -R u=rwX,go=rX \"$0\"; ln -s run \"$0/bin/link\""
        try await Program.check("bash", ["-ec", script, workplace.path("plain")])
        let rules: JSONValue = [
          ["path": "/etc/app/**", "mode": "0640", "uid": 7, "gid": 8, "uname": "app", "gname": "apps"],
          ["path": "etc/app/deep", "mode": "0750"],
          ["path": "/bin/*", "uid": 9],
          ["path": "/bin/run", "mode": "4755"],
          ["path": "made/?", "mode": 384],
          ["path": "/bin/hello", "gid": 10, "gname": "ten"],
        ]
        let (facts, _) = try await workplace.build([
          "contents": ["plain", .string(try workplace.store.top(5))], "permissions": rules,
          "extraCommands": "mkdir made; touch made/a made/ab; chmod 644 made/*",
        ])
        func access(_ path: String) throws -> String {
          let member = try #require(facts.member(path), "\(path)")
          return "\(member.mode) \(member.owner) \(member.ownerName)"
        }
        #expect(try access("/etc/app") == "755 0:0 root:root")
        #expect(try access("/etc/app/conf") == "640 7:8 app:apps")
        #expect(try access("/etc/app/deep") == "750 7:8 app:apps")
        #expect(try access("/etc/app/deep/conf.d") == "640 7:8 app:apps")
        #expect(try access("/etc/other") == "644 0:0 root:root")
        #expect(try access("/bin/run") == "4755 9:0 root:root")
        #expect(try access("/bin/run2") == "644 9:0 root:root")
        #expect(try access("/bin/link") == "777 9:0 root:root")
        #expect(try access("/bin/hello") == "777 9:10 :ten")
        #expect(try access("/made/a") == "600 0:0 :")
        #expect(try access("/made/ab") == "644 0:0 :")
      }
    }

    // MARK: Base images

    private static let settings: [String: JSONValue] = [
      "a": [
        "Cmd": ["/a"], "Env": ["WHICH=a", "PATH=/base"], "ExposedPorts": ["80/tcp": [:]],
        "Labels": ["base": "a"], "User": "me", "WorkingDir": "/w",
      ],
      "b": ["Cmd": ["/b"], "Env": ["WHICH=b"]],
    ]

    /// Writes `two.tar`, with `img/a:1` and `img/b:2`.
    private static func makeBases(_ workplace: FixtureWorkplace) async throws {
      for (name, tag) in [("a", "1"), ("b", "2")] {
        _ = try await workplace.build(
          [
            "name": .string("img/" + name), "tag": .string(tag), "compressor": "none",
            "extraCommands": .string("echo \(name) > which-\(name)"), "config": settings[name] ?? [:],
          ], output: name + ".tar")
      }
      try await Program.check(
        "python3",
        [testdata("merge-archives.py")] + ["two.tar", "a.tar", "b.tar"].map { workplace.path($0) })
    }

    private static let choices: [(JSONObject, String)] = [
      ([:], "a"), (["fromImageName": "img/b", "fromImageTag": "2"], "b"),
      (["fromImageName": "img/a", "fromImageTag": "1"], "a"),
      (["fromImageName": .null, "fromImageTag": .null], "a"),
      // The manual: one without the other chooses nothing.
      (["fromImageName": "img/b"], "a"), (["fromImageTag": "2"], "a"),
    ]

    @Test(arguments: choices)
    func `of several images in an archive the first is the base, or the one that is named`(
      choice: JSONObject, name: String
    ) async throws {
      try await FixtureWorkplace.with { workplace in
        try await Self.makeBases(workplace)
        var members: JSONObject = ["fromImage": "two.tar"]
        for member in choice.members { members[member.name] = member.value }
        let (facts, errors) = try await workplace.build(members)
        #expect(facts.layers.count == 2)
        #expect(facts.layers[0].map(\.path) == ["/", "/which-" + name])
        #expect(facts.settings?["Env"] == Self.settings[name]?["Env"])
        #expect(facts.settings?.object?.names == ["Env"])
        let isHalf = choice.count == 1
        #expect(errors.contains("only together") == isHalf, "\(errors)")
      }
    }

    @Test func `a name that no image of the archive has is answered with those that are there`() async throws
    {
      try await FixtureWorkplace.with { workplace in
        try await Self.makeBases(workplace)
        let result = try await workplace.run([
          "name": "x", "fromImage": "two.tar", "fromImageName": "img/b", "fromImageTag": "1",
        ])
        #expect(result.status == 4)
        #expect(result.errors.contains("img/b:1"), "\(result.errors)")
        #expect(result.errors.contains("img/a:1") && result.errors.contains("img/b:2"), "\(result.errors)")
        #expect(!workplace.place.directory.contains("out.tar"))
      }
    }

    @Test func `a configuration is inherited as a whole, and what is said anew replaces it`() async throws {
      try await FixtureWorkplace.with { workplace in
        try await Self.makeBases(workplace)
        let (facts, _) = try await workplace.build([
          "fromImage": "a.tar", "inherit": "all", "labels": ["own": "1"],
          "config": [
            "Cmd": ["/new"], "Env": ["NEW=1", "PATH=/own"], "ExposedPorts": ["443/tcp": [:]],
          ],
        ])
        let settings = try #require(facts.settings)
        #expect(settings["Cmd"] == ["/new"])
        #expect(settings["Env"] == ["WHICH=a", "PATH=/own", "NEW=1"])
        #expect(settings["ExposedPorts"]?.object?.sorted() == ["443/tcp": [:], "80/tcp": [:]])
        #expect(settings["User"] == "me" && settings["WorkingDir"] == "/w")
        // As LABEL does: one more, none less.
        #expect(settings["Labels"]?.object?.sorted() == ["base": "a", "own": "1"])
        let started = try await workplace.build([
          "fromImage": "a.tar", "inherit": "all", "config": ["Entrypoint": ["/start"]],
        ]).facts
        // As ENTRYPOINT does.
        #expect(started.settings?["Entrypoint"] == ["/start"] && started.settings?["Cmd"] == nil)
      }
    }

    // MARK: Formats

    private static let formats = ["oci", "oci-archive"].flatMap { format in
      ["none", "gz", "zstd"].map { (format, $0) }
    }

    @Test(arguments: formats)
    func `a layout has compressed layers, labels, annotations and the variant`(
      format: String, compression: String
    ) async throws {
      try await FixtureWorkplace.with { workplace in
        let members: JSONObject = [
          "contents": [.string(try workplace.store.top(5))], "architecture": "arm", "variant": "v7",
          "labels": ["org.example.a": "é"], "annotations": ["org.opencontainers.image.title": "hello"],
          "config": ["Labels": ["org.example.b": "2"]],
        ]
        let archive = try await workplace.build(members, output: "archive.tar").facts
        var document = members
        document["format"] = .string(format)
        document["layerCompression"] = .string(compression)
        let (facts, _) = try await workplace.build(document, output: "out")
        let suffix = ["none": "", "gz": "+gzip", "zstd": "+zstd"][compression] ?? ""
        for layer in facts["layers"]?.array ?? [] {
          #expect(layer["compression"] == .string(compression))
          #expect(layer["mediaType"] == .string("application/vnd.oci.image.layer.v1.tar" + suffix))
        }
        // The image is the same, whatever it is written as.
        #expect(facts.diffIDs == archive.diffIDs && facts.diffIDs.count == 6)
        #expect(facts["config"] == archive["config"])
        #expect(facts["config"]?["architecture"] == "arm" && facts["config"]?["variant"] == "v7")
        #expect(
          facts.settings?["Labels"]?.object?.sorted() == ["org.example.a": "é", "org.example.b": "2"])
        #expect(facts["manifest"]?["annotations"] == ["org.opencontainers.image.title": "hello"])
        #expect(facts["entry"]?["annotations"]?["org.opencontainers.image.ref.name"] == "1")
      }
    }

    @Test func `skopeo and umoci read a layout`() async throws {
      try await FixtureWorkplace.with { workplace in
        let (facts, _) = try await workplace.build(
          [
            "contents": [.string(try workplace.store.top(5))], "format": "oci", "layerCompression": "gz",
            "labels": ["a": "b"],
          ], output: "layout")
        let engines = Engines(place: workplace.place)
        let inspected = try await engines.skopeo(["inspect", "oci:\(workplace.path("layout")):1"])
        #expect(try JSONValue(parsing: inspected.output)["Labels"] == ["a": "b"])
        try await engines.umoci([
          "unpack", "--image", workplace.path("layout") + ":1", workplace.path("bundle"),
        ])
        let link = try await Program.check("readlink", [workplace.path("bundle/rootfs/bin/hello")])
        #expect(link.text == facts.member("/bin/hello")?.target)
        try await Program.check("chmod", ["-R", "u+w", workplace.path("bundle")])
      }
    }
  }
}
