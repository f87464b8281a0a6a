import Foundation
import OrderedJSON
import TestSupport
import Testing

/// Images with one layer on a base: what is removed of it, its links, and every form that a base may have.
@Suite(WithDockerDaemon(), .serialized) struct ImageBaseTests {
  /// A system as distributions have it: programs are in `/usr/bin`, and `/bin` leads there.
  private static func withSystem(_ body: (HelloStore) async throws -> Void) async throws {
    try await HelloStore.with { store in
      try store.place.directory.write("", to: "system/usr/bin/.empty")
      _ = try await store.build(
        [
          "copyToRoot": "system", "created": "2024-05-06T07:08:09Z",
          "extraCommands": .string(
            """
            rm usr/bin/.empty; ln -s usr/bin bin; cp \(store.root + HelloStore.busybox)/bin/* usr/bin/ -a
            mkdir -p etc/conf.d var/log home/own srv; mkdir -m 1777 tmp; mkdir -m 700 root
            for file in etc/conf.d/old etc/conf.d/mine etc/file var/log/a tmp/a root/a home/own/a srv/file; do echo base > $file; done
            """),
          "permissions": [["path": "/home/own", "uid": 1000, "gid": 100, "mode": "0750"]],
        ], to: "system.tar.gz")
      try await body(store)
    }
  }

  private static func removing(_ paths: [String], _ more: JSONObject = [:]) -> JSONObject {
    var members: JSONObject = [
      "fromImage": "system.tar.gz", "remove": .array(paths.map { .string($0) }),
    ]
    for member in more.members { members[member.name] = member.value }
    return members
  }

  // MARK: Removal

  @Test func `what is removed is gone in Docker, and the directories above are as they were`() async throws {
    try await Self.withSystem { store in
      try store.place.directory.write("own\n", to: "own/etc/conf.d/mine")
      let archive = try await store.build(
        Self.removing(
          ["/etc/file", "var/log", "etc/conf.d", "tmp/a", "root/a", "home/own/a", "bin/id"],
          ["copyToRoot": "own"]))
      // With the directories: an engine that has to make them up gives them modes of its own.
      #expect(
        try await store.layers(of: archive)[1] == [
          "drwxrwxr-x 0/0 ./", "drwxr-xr-x 0/0 ./etc/", "drwxr-xr-x 0/0 ./etc/conf.d/",
          "-rw-r--r-- 0/0 ./etc/conf.d/mine",
          "---------- 0/0 ./etc/conf.d/.wh..wh..opq", "---------- 0/0 ./etc/.wh.file",
          "drwxr-xr-x 0/0 ./home/", "drwxr-x--- 1000/100 ./home/own/", "---------- 0/0 ./home/own/.wh.a",
          "drwx------ 0/0 ./root/", "---------- 0/0 ./root/.wh.a", "drwxrwxrwt 0/0 ./tmp/",
          "---------- 0/0 ./tmp/.wh.a",
          "drwxr-xr-x 0/0 ./usr/", "drwxr-xr-x 0/0 ./usr/bin/", "---------- 0/0 ./usr/bin/.wh.id",
          "drwxr-xr-x 0/0 ./var/", "---------- 0/0 ./var/.wh.log",
        ])
      try await store.load(archive)
      let script = """
        exec 2>&1; ls /etc/conf.d; cat /etc/conf.d/mine; ls /etc /var /tmp /root /home/own /bin/id
        stat -c '%a %u %g %n' /tmp /root /home/own /etc
        """
      let seen = try await store.container(["/bin/sh", "-c", script])
      for gone in ["old", "/tmp/a", "log\n", "/root/a", "file\n"] { #expect(!seen.contains(gone), "\(seen)") }
      #expect(seen.hasPrefix("mine\nown\n"), "\(seen)")
      #expect(seen.contains("/bin/id: No such file"), "\(seen)")
      #expect(seen.hasSuffix("1777 0 0 /tmp\n700 0 0 /root\n750 1000 100 /home/own\n755 0 0 /etc"), "\(seen)")
    }
  }

  @Test func `what is removed is gone before runAsRoot and stays gone, and contents are there`() async throws
  {
    try await Self.withSystem { store in
      try store.place.directory.write("own\n", to: "own/etc/conf.d/mine")
      try await store.load(
        store.build(
          Self.removing(
            ["etc/conf.d", "tmp/a"],
            ["copyToRoot": "own", "runAsRoot": "ls /etc/conf.d /tmp > /seen; touch /tmp/b"])))
      let script = "cat /seen; ls /etc/conf.d /tmp; stat -c '%a %u' /tmp"
      let listing = "/etc/conf.d:\nmine\n\n/tmp:"
      #expect(try await store.container(["/bin/sh", "-c", script]) == "\(listing)\n\(listing)\nb\n1777 0")
    }
  }

  @Test(arguments: [["etc", "etc/file", "/etc/"], ["etc/file", "etc"], ["etc"]])
  func `what is inside of something removed does not bring it back`(paths: [String]) async throws {
    try await Self.withSystem { store in
      let layers = try await store.layers(of: store.build(Self.removing(paths)))
      #expect(layers[1] == ["drwxrwxr-x 0/0 ./", "---------- 0/0 ./.wh.etc"])
    }
  }

  @Test func `contents take the place of a link that is removed, and of a directory that becomes a file`()
    async throws
  {
    try await Self.withSystem { store in
      try store.place.directory.write("own\n", to: "own/bin/tool")
      try store.place.directory.write("own\n", to: "own/srv")
      let archive = try await store.build(
        Self.removing(["bin", "srv/file"], ["copyToRoot": "own"]))
      let layers = try await store.layers(of: archive)
      #expect(
        layers[1] == [
          "drwxrwxr-x 0/0 ./", "drwxr-xr-x 0/0 ./bin/", "-rw-r--r-- 0/0 ./bin/tool", "-rw-r--r-- 0/0 ./srv",
          "---------- 0/0 ./bin/.wh..wh..opq",
        ])
      try await store.load(archive)
      #expect(try await store.container(["/usr/bin/cat", "/bin/tool", "/srv"]) == "own\nown")
      #expect(try await store.container(["/usr/bin/ls", "/bin"]) == "tool")
    }
  }

  @Test func `what the base does not have cannot be removed from it`() async throws {
    try await Self.withSystem { store in
      let result = try await store.run(Self.removing(["etc/nothing"]), ["-o", store.path("out.tar")])
      #expect(result.status == 1)
      #expect(result.errors.contains("“remove” has “etc/nothing”"), "\(result.errors)")
      #expect(!store.place.directory.contains("out.tar"))
      let without = try await store.run(["remove": ["etc"]], ["-o", store.path("out.tar")])
      #expect(without.status == 2)
      #expect(without.errors.contains("“fromImage”, which is not given"), "\(without.errors)")
    }
  }

  // MARK: Forms of bases

  @Test(arguments: ["archive", "layout", "registry", "docker save", "skopeo"])
  func `contents go behind the base's links, whatever form the base has`(form: String) async throws {
    let registry = form == "registry" ? try await RegistryServer.start() : nil
    defer { registry?.stop() }
    try await Self.withSystem { store in
      let archive = store.path("system.tar.gz")
      var base = archive
      switch form {
      case "layout":
        base = "oci:\(store.path("layout")):1"
        try await store.check(["copy", archive, base, "--format", "oci", "--layer-compression", "gz"])
      case "registry":
        base = "docker://\(registry?.address ?? "")/system:1"
        try await store.check(["copy", archive, base, "--tls-verify=false"])
      case "docker save":
        base = store.path("saved.tar")
        let name = try await store.load(archive)
        try await Engines.docker.docker(["save", "--output", base, name])
      case "skopeo":
        base = store.path("skopeo.tar")
        // Debian's skopeo 1.9 reads no archive that is compressed.
        try await Program.check("gzip", ["-d", "-k", archive])
        try await Engines(place: store.place).skopeo([
          "copy", "docker-archive:\(store.path("system.tar"))", "docker-archive:\(base):system:1",
        ])
      default: break
      }
      let result = try await store.run(
        ["fromImage": .string(base), "copyToRoot": .string(HelloStore.environment)],
        ["-o", store.path("image.tar"), "--quiet", "--tls-verify=false"])
      try #require(result.status == 0, "\(result.errors)")
      let layers = try await store.layers(of: store.path("image.tar"))
      #expect(layers.count == 2)
      #expect(layers[1].contains("-r-xr-xr-x 0/0 ./usr/bin/hello"), "\(layers[1])")
      #expect(!layers[1].contains { $0.contains(" ./bin") }, "\(layers[1])")
      try await store.load(store.path("image.tar"))
      #expect(
        try await store.container(["/bin/sh", "-c", "hello; ls -l /bin | cat"]).hasPrefix("Hello, world!"))
    }
  }

  @Test func `fromImageName and fromImageTag choose, and only together`() async throws {
    try await HelloStore.with { store in
      for name in ["first", "second"] {
        let members: JSONObject = [
          "name": .string(name), "tag": "1", "extraCommands": .string("echo \(name) > which"),
        ]
        try await store.load(store.build(members))
      }
      let both = store.path("both.tar")
      try await Engines.docker.docker(["save", "--output", both, "first:1", "second:1"])
      func which(_ more: JSONObject) async throws -> String {
        var members: JSONObject = ["fromImage": "both.tar", "copyToRoot": .string(HelloStore.busybox)]
        for member in more.members { members[member.name] = member.value }
        try await store.load(store.build(members))
        return try await store.container(["/bin/cat", "/which"])
      }
      let listed = try await Program.check("tar", ["-xOf", both, "manifest.json"]).text
      let first = listed.firstMatch(of: /(first|second):1/)?.1
      #expect(try await which(["fromImageName": "second", "fromImageTag": "1"]) == "second")
      #expect(try await which(["fromImageName": "first", "fromImageTag": "1"]) == "first")
      #expect(try await which(["fromImageName": "second"]) == first.map(String.init))
      #expect(try await which([:]) == first.map(String.init))
      let alone = try await store.run(["fromImage": "both.tar", "fromImageTag": "1"], ["-o", "-"])
      #expect(alone.errors.contains("only together"), "\(alone.errors)")
      let wrong = try await store.run(
        ["fromImage": "both.tar", "fromImageName": "third", "fromImageTag": "1"], ["-o", "-"])
      #expect(wrong.status == 4 && wrong.output.isEmpty)
      #expect(wrong.errors.contains("third:1") && wrong.errors.contains("second:1"), "\(wrong.errors)")
    }
  }

  // MARK: Forms of results

  @Test func `every form of the image has the same ID, in Docker too`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    try await Self.withSystem { store in
      let members: JSONObject = [
        "fromImage": "system.tar.gz", "copyToRoot": .string(HelloStore.environment),
        "config": ["Cmd": ["hello"]],
      ]
      let archive = try await store.build(members)
      try await store.load(archive)
      let id = try #require(await store.inspect()["Id"]?.string)
      #expect(try await store.configDigest(archive) == id)
      for location in [
        "oci:\(store.path("layout")):1", "oci-archive:\(store.path("oci.tar")):1",
        "docker://\(registry.address)/hello:1",
      ] {
        let result = try await store.run(members, ["-o", location, "--quiet", "--tls-verify=false"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try await store.configDigest(location) == id, "\(location)")
        try await store.check(["verify", location, "--tls-verify=false"])
      }
    }
  }
}
