import Foundation
import OrderedJSON
import TestSupport
import Testing

/// The examples of `buildImage` in the manual (dockerTools-manual.md), loaded into Docker and run.
@Suite(WithDockerDaemon(), .serialized) struct ImageManualTests {
  /// The manual's `buildEnv` of hello with `/bin`, and what the manual says of the container.
  private static let members: JSONObject = [
    "copyToRoot": .string(HelloStore.environment),
    "extraCommands": "mkdir -p data\necho \"some content\" > my-file\n",
    "config": ["Cmd": ["/bin/hello"], "WorkingDir": "/data"],
  ]

  @Test func `hello with extraCommands has the files and owners that it should, and runs`() async throws {
    try await HelloStore.with { store in
      let archive = try await store.build(Self.members)
      let (busybox, hello) = (HelloStore.busybox.dropFirst(), HelloStore.hello.dropFirst())
      let applets = ["cat", "env", "id", "ls", "sh", "stat"].map {
        "lrwxrwxrwx 0/0 \(busybox)/bin/\($0) -> busybox"
      }
      let layers = try await store.layers(of: archive)
      #expect(layers.count == 1)
      #expect(
        layers[0] == [
          "drwxrwxr-x 0/0 ./", "dr-xr-xr-x 0/0 ./bin/", "-r-xr-xr-x 0/0 ./bin/hello",
          "drwxr-xr-x 0/0 ./data/", "-rw-r--r-- 0/0 ./my-file",
          "dr-xr-xr-x 0/0 ./nix/", "dr-xr-xr-x 0/0 ./nix/store/",
          "dr-xr-xr-x 0/0 \(busybox)/", "dr-xr-xr-x 0/0 \(busybox)/bin/",
          "-r-xr-xr-x 0/0 \(busybox)/bin/busybox",
        ] + applets + [
          "dr-xr-xr-x 0/0 \(hello)/", "dr-xr-xr-x 0/0 \(hello)/bin/", "-r-xr-xr-x 0/0 \(hello)/bin/hello",
          "dr-xr-xr-x 0/0 \(hello)/share/", "-r--r--r-- 0/0 \(hello)/share/greeting",
        ])
      #expect(try await store.load(archive) == "hello:latest")
      #expect(try await store.container() == "Hello, world!")
      let applet = HelloStore.busybox + "/bin/"
      #expect(try await store.container([applet + "cat", "/my-file"]) == "some content")
      #expect(try await store.container([applet + "sh", "-c", "pwd"]) == "/data")
      #expect(try await store.container([applet + "stat", "-c", "%u %g %a", "/data"]) == "0 0 755")
      let facts = try await store.inspect()
      #expect(facts["Config"]?["Cmd"] == ["/bin/hello"])
      #expect(facts["Config"]?["WorkingDir"] == "/data")
      #expect(facts["Created"] == "1970-01-01T00:00:01Z")
      #expect(facts["Architecture"] == "amd64")
      #expect(facts["Id"]?.string == (try await store.configDigest(archive)))
    }
  }

  /// As far as it goes without `runAsRoot`.
  @Test func `redis has its volume, its directory and its command`() async throws {
    try await HelloStore.with { store in
      try await store.load(
        try await store.build([
          "name": "redis", "copyToRoot": .string(HelloStore.environment), "extraCommands": "mkdir -p data",
          "config": [
            "Cmd": ["/bin/redis-server"], "WorkingDir": "/data", "Volumes": ["/data": [:]],
          ],
        ]))
      let config = try await store.inspect("redis:latest")["Config"]
      #expect(config?["Cmd"] == ["/bin/redis-server"])
      #expect(config?["WorkingDir"] == "/data")
      #expect(config?["Volumes"] == ["/data": [:]])
      let command = [HelloStore.busybox + "/bin/ls", "-d", "/data"]
      #expect(try await store.container(command, image: "redis:latest") == "/data")
    }
  }

  @Test func `created = now is the time of the build, or that of SOURCE_DATE_EPOCH`() async throws {
    try await HelloStore.with { store in
      let members: JSONObject = [
        "created": "now", "copyToRoot": .string(HelloStore.environment), "config": ["Cmd": ["/bin/hello"]],
      ]
      let before = Int(Date().timeIntervalSince1970)
      try await store.load(store.build(members))
      let after = Int(Date().timeIntervalSince1970)
      let created = try #require(await store.inspect()["Created"]?.string)
      let seconds = try #require(ISO8601DateFormatter().date(from: created)).timeIntervalSince1970
      #expect((before...after).contains(Int(seconds)), "\(created)")
      try await store.load(store.build(members, environment: ["SOURCE_DATE_EPOCH": "86400"]))
      #expect(try await store.inspect()["Created"] == "1970-01-02T00:00:00Z")
      #expect(try await store.container() == "Hello, world!")
    }
  }

  /// And `/tmp`, which stays where it was made for the commands (nix-dockertools.md, section 6, step 8).
  @Test func `runAsRoot makes the tree that extraCommands make`() async throws {
    try await HelloStore.with { store in
      var expected = try await store.layers(of: store.build(Self.members, to: "extra.tar.gz"))[0]
      expected.insert("drwxr-xr-x 0/0 ./tmp/", at: 5)
      var members = Self.members
      members["extraCommands"] = .null
      members["runAsRoot"] = "mkdir -p /data\necho \"some content\" > my-file\n"
      let archive = try await store.build(members)
      #expect(try await store.layers(of: archive) == [expected])
      try await store.load(archive)
      #expect(try await store.container() == "Hello, world!")
    }
  }
}
