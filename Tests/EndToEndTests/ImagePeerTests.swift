import Foundation
import OrderedJSON
import TestSupport
import Testing

/// The cases of nixpkgs' own tests that concern `buildImage` (nix-dockertools.md, section 17.1), by their numbers, in Docker.
@Suite(WithDockerDaemon(), .serialized) struct ImagePeerTests {
  private static let hello: JSONObject = [
    "copyToRoot": .string(HelloStore.environment), "config": ["Cmd": ["/bin/hello"]],
  ]

  /// Busybox' programs in `/bin`, so that containers can look around.
  private static let programs: JSONObject = ["copyToRoot": .string(HelloStore.busybox)]

  private static func with(_ members: JSONObject, _ more: JSONObject) -> JSONObject {
    var all = members
    for member in more.members { all[member.name] = member.value }
    return all
  }

  // Case 8 is in ImageManualTests.

  @Test(arguments: [JSONValue.string("v1"), .null])
  func `9 and 10: the tag that is printed is the one that is loaded`(tag: JSONValue) async throws {
    try await HelloStore.with { store in
      let members = Self.with(Self.hello, ["tag": tag])
      let printed = try await store.run(members, ["--print", "--quiet"])
      #expect(printed.status == 0, "\(printed.errors)")
      let facts = try JSONValue(parsing: printed.output)
      let imageTag = try #require(facts["imageTag"]?.string)
      if tag.isNull { #expect(imageTag.wholeMatch(of: /[0-9a-df-np-sv-z]{32}/) != nil) }
      #expect(facts["buildArgs"]?["copyToRoot"] == .string(HelloStore.environment))
      #expect(try await store.load(store.build(members)) == "hello:\(imageTag)")
      let inspected = try await store.inspect("hello:\(imageTag)")
      #expect(inspected["RootFS"]?["Layers"]?.array?.last == facts["layer"])
      #expect(try await store.container(image: "hello:\(imageTag)") == "Hello, world!")
    }
  }

  @Test(arguments: [("gz", [0x1f, 0x8b]), ("zstd", [0x28, 0xb5]), ("none", [0x2e, 0x2f])])
  func `11 and 12: every compressor's archive loads`(compressor: String, magic: [UInt8]) async throws {
    try await HelloStore.with { store in
      let archive = try await store.build(
        Self.with(Self.hello, ["compressor": .string(compressor)]), to: "image")
      #expect(Array(try store.place.directory.read("image").prefix(2)) == magic)
      // Debian's Docker 20.10 does not know archives that are zstd, as newer ones do.
      let loaded = store.path("loaded.tar")
      if compressor == "zstd" { try await Program.check("zstd", ["-q", "-d", archive, "-o", loaded]) }
      #expect(try await store.load(compressor == "zstd" ? loaded : archive) == "hello:latest")
      #expect(try await store.container() == "Hello, world!")
    }
  }

  @Test func `16: a link to a program beside it stays a link`() async throws {
    try await HelloStore.with { store in
      let archive = try await store.build(Self.programs)
      #expect(try await store.layers(of: archive)[0].contains("lrwxrwxrwx 0/0 ./bin/sh -> busybox"))
      try await store.load(archive)
      #expect(try await store.container(["/bin/stat", "-c", "%N", "/bin/sh"]) == "'/bin/sh' -> 'busybox'")
    }
  }

  @Test func `20: a pulled image is a base`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    try await HelloStore.with { store in
      let name = "\(registry.address)/busybox:1"
      let base = try #require(HelloStore.base.string)
      try await store.check(["copy", base, "docker://\(name)", "--arch", "amd64", "--tls-verify=false"])
      try await store.check(["pull", name, "--unpinned", "-o", store.path("base.tar"), "--tls-verify=false"])
      try await store.load(store.build(Self.with(Self.hello, ["fromImage": "base.tar"])))
      #expect(try await store.container() == "Hello, world!")
      #expect(try await store.container(["/bin/busybox", "echo", "base"]) == "base")
      #expect(try await store.inspect()["RootFS"]?["Layers"]?.array?.count == 3)
    }
  }

  // Case 22 is in ImageManualTests.

  @Test(arguments: ["layered.tar.gz", "oci:layered"])
  func `25: on a layered image, no store path is there twice`(base: String) async throws {
    try await HelloStore.with { store in
      let location = base.replacingOccurrences(of: "layered", with: store.path("layered"))
      let made = try await store.run(
        [
          "contents": .string(HelloStore.environment),
          "layerCompression": base.hasPrefix("oci") ? "gz" : .null,
        ],
        ["-o", location, "-q"], kind: "layered")
      try #require(made.status == 0, "\(made.errors)")
      let archive = try await store.build(
        Self.with(
          Self.programs, ["fromImage": .string(location), "extraCommands": "echo top > top"]))
      let names = try await store.layers(of: archive).joined().compactMap { line -> Substring? in
        let name = line.split(separator: " ")[2].trimmingPrefix("./").trimmingPrefix("/")
        return name.hasPrefix("nix/store/") && !name.hasSuffix("/") ? name : nil
      }
      #expect(names.count == 10)
      #expect(Set(names).count == names.count, "\(names)")
      try await store.load(archive)
      // The base's /bin is a link into the store: nothing may be put there, and nothing behind it may be lost.
      #expect(try await store.container(["/bin/hello"]) == "Hello, world!")
      #expect(try await store.container(["/bin/cat", "/top"]) == "top")
    }
  }

  @Test func `28: three images on top of each other have everything, the last one's on top`() async throws {
    try await HelloStore.with { store in
      for layer in 1...3 {
        let base: JSONValue = layer == 1 ? .null : .string("layer\(layer - 1).tar.gz")
        let own: JSONObject = [
          "fromImage": base, "extraCommands": .string("echo \(layer) | tee layer\(layer) > last"),
        ]
        _ = try await store.build(
          layer == 1 ? Self.with(Self.programs, own) : own, to: "layer\(layer).tar.gz")
      }
      try await store.load(store.path("layer3.tar.gz"))
      #expect(
        try await store.container(["/bin/cat", "/layer1", "/layer2", "/layer3", "/last"]) == "1\n2\n3\n3")
    }
  }

  @Test func `31: variables of the base are inherited, one by one`() async throws {
    try await HelloStore.with { store in
      _ = try await store.build(
        Self.with(
          Self.programs,
          [
            "config": [
              "Env": ["FROM_PARENT=true", "LAST_LAYER=parent"], "User": "7", "Cmd": ["/bin/env"],
              "Labels": ["from": "parent"],
            ]
          ]), to: "parent.tar.gz")
      let config: JSONValue = ["Env": ["FROM_CHILD=true", "LAST_LAYER=child"]]
      try await store.load(store.build(["fromImage": "parent.tar.gz", "config": config]))
      let variables = try await store.container(["/bin/env"]).split(separator: "\n")
      for variable in ["FROM_PARENT=true", "FROM_CHILD=true", "LAST_LAYER=child"] {
        #expect(variables.count { $0 == variable } == 1, "\(variables)")
      }
      let facts = try await store.inspect()["Config"]
      #expect(facts?["User"] == "" && facts?["Cmd"]?.array == nil && facts?["Labels"]?.object == nil)
      // All of it, as FROM does.
      try await store.load(
        store.build(["fromImage": "parent.tar.gz", "config": config, "inherit": "all"]))
      let all = try await store.inspect()["Config"]
      #expect(all?["User"] == "7" && all?["Cmd"] == ["/bin/env"] && all?["Labels"] == ["from": "parent"])
      #expect(try await store.container().split(separator: "\n").contains("LAST_LAYER=child"))
    }
  }

  @Test func `37: only store paths that something speaks of are there`() async throws {
    try await HelloStore.with { store in
      // Copies of busybox' files do not speak of its store path, and hello's do.
      let copied = try await store.layers(of: store.build(Self.programs))[0]
      #expect(!copied.contains { $0.contains("nix") }, "\(copied)")
      let speaking = try await store.layers(
        of: store.build(Self.with(Self.programs, ["extraCommands": .string("echo \(HelloStore.hello) > x")])))[
          0]
      let paths = Set(speaking.compactMap { $0.firstMatch(of: /nix\/store\/([^\/]+)\//)?.1 })
      #expect(paths == Set([HelloStore.hello, HelloStore.busybox].map { $0.dropFirst(11) }))
    }
  }

  @Test func `41: a registry in the name stays there`() async throws {
    try await HelloStore.with { store in
      let archive = try await store.build(Self.with(Self.hello, ["name": "registry-1.docker.io/Image"]))
      #expect(try await store.load(archive) == "registry-1.docker.io/image:latest")
      #expect(try await store.container(image: "registry-1.docker.io/image:latest") == "Hello, world!")
    }
  }

  @Test func `51: a plain directory is copied`() async throws {
    try await HelloStore.with { store in
      try store.place.directory.write("plain\n", to: "plain/hello.txt")
      try await store.load(store.build(["copyToRoot": ["plain", .string(HelloStore.busybox)]]))
      #expect(try await store.container(["/bin/cat", "/hello.txt"]) == "plain")
    }
  }

  @Test func `53: the architecture is the spec's`() async throws {
    try await HelloStore.with { store in
      try await store.load(store.build(["architecture": "arm64"]))
      #expect(try await store.inspect()["Architecture"] == "arm64")
    }
  }

  @Test func `56: the three places of certificates are readable`() async throws {
    try await HelloStore.with { store in
      let helper = "helper:caCertificates=\(HelloStore.cacert)"
      try await store.load(store.build(["copyToRoot": [.string(HelloStore.busybox), .string(helper)]]))
      for path in [
        "/etc/ssl/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
      ] {
        #expect(try await store.container(["/bin/cat", path]) == "certificates")
      }
      let unknown = try await store.run(["copyToRoot": "helper:caCertificates"], ["-o", "-"])
      #expect(unknown.errors.contains("helper:caCertificates=PATH"), "\(unknown.errors)")
    }
  }
}
