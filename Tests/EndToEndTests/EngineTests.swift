import Foundation
import OrderedJSON
import TestSupport
import Testing

/// Real container engines: their archives are read, and ours are loaded and run.
@Suite(WithDockerDaemon(), .serialized) struct EngineTests {
  /// The image of testdata, for amd64 and arm64.
  private static let testdata =
    "oci:" + #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image:1.35"

  private static let name = "localhost/cooper/test:1"

  /// Calls `body` with engines that have nothing, and the image for amd64 as a docker-archive and as a layout.
  private static func withEngines(_ body: (Engines, _ diffIDs: [String]) async throws -> Void) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let engines = Engines(place: place)
    try await engines.cooper(["copy", testdata, "oci:\(engines.path("layout")):1", "--arch", "amd64"])
    try await engines.cooper([
      "copy", testdata, "docker-archive:\(engines.path("image.tar")):\(name)", "--arch", "amd64",
    ])
    let diffIDs = try await engines.diffIDs(testdata)
    #expect(diffIDs.count == 2)
    try await body(engines, diffIDs)
  }

  // MARK: Theirs are read

  /// Ways by which an engine writes an image to `out`: what it does, and the location that is left.
  private static let writers:
    [(name: String, location: String, write: @Sendable (Engines, String) async throws -> Void)] = [
      (
        "docker save", "docker-archive:",
        { engines, out in
          try await Engines.docker.docker(["load", "--input", engines.path("image.tar")])
          try await Engines.docker.docker(["save", "--output", out, name])
        }
      ),
      ("podman save", "docker-archive:", { try await podmanSave($0, ["--format", "docker-archive"], $1) }),
      (
        "podman save of several", "docker-archive:",
        { try await podmanSave($0, ["--multi-image-archive"], $1) }
      ),
      (
        "podman save as OCI archive", "oci-archive:",
        { try await podmanSave($0, ["--format", "oci-archive"], $1) }
      ),
      ("podman save as layout", "oci:", { try await podmanSave($0, ["--format", "oci-dir"], $1) }),
      ("buildah push", "oci:", { try await buildahPush($0, "oci:\($1)") }),
      ("buildah push of an archive", "oci-archive:", { try await buildahPush($0, "oci-archive:\($1)") }),
      (
        "buildah push of a docker-archive", "docker-archive:",
        { try await buildahPush($0, "docker-archive:\($1):\(name)") }
      ),
      ("skopeo copy", "oci:", { try await $0.skopeo(["copy", testdata, "oci:\($1)"]) }),
      (
        "skopeo copy of an archive", "oci-archive:",
        { try await $0.skopeo(["copy", testdata, "oci-archive:\($1)"]) }
      ),
      (
        "skopeo copy of a docker-archive", "docker-archive:",
        { try await $0.skopeo(["copy", testdata, "docker-archive:\($1):\(name)"]) }
      ),
    ]

  private static func podmanSave(_ engines: Engines, _ options: [String], _ out: String) async throws {
    try await engines.podman(["load", "--input", engines.path("image.tar")])
    try await engines.podman(["save"] + options + ["--output", out, name])
  }

  private static func buildahPush(_ engines: Engines, _ target: String) async throws {
    try await engines.podman(["load", "--input", engines.path("image.tar")])
    try await engines.buildah(["push", name, target])
  }

  @Test(arguments: writers.map(\.name))
  func `what an engine writes is read, and goes on with its digest`(writer: String) async throws {
    let writer = try #require(Self.writers.first { $0.name == writer })
    try await Self.withEngines { engines, diffIDs in
      try await writer.write(engines, engines.path("theirs"))
      let location = writer.location + engines.path("theirs")
      // What it is, is found by looking inside.
      for location in [location, engines.path("theirs")] {
        let verified = try await engines.cooper(["verify", location])
        #expect(verified.text.contains("1 image, 2 layers"))
        #expect(try await engines.diffIDs(location) == diffIDs)
      }
      let copy = "oci:\(engines.path("copy"))"
      try await engines.cooper(["copy", location, copy])
      try await engines.cooper(["verify", copy])
      #expect(try await engines.diffIDs(copy) == diffIDs)
      if writer.location != "docker-archive:" {
        let (theirs, ours) = try await (engines.digestBySkopeo(location), engines.digestBySkopeo(copy))
        #expect(theirs == ours)
      }
    }
  }

  @Test func `layers and configurations that umoci made are read`() async throws {
    try await Self.withEngines { engines, diffIDs in
      let file = try engines.place.directory.write("from umoci\n", to: "file")
      let layout = engines.path("layout")
      try await engines.umoci(["insert", "--image", "\(layout):1", file, "/file"])
      try await engines.umoci(["config", "--image", "\(layout):1", "--tag", "2", "--author", "somebody"])
      for tag in ["1", "2"] {
        #expect(
          try await engines.cooper(["verify", "oci:\(layout):\(tag)"]).text.contains("1 image, 3 layers"))
      }
      let archive = engines.path("umoci.tar")
      try await engines.cooper(["copy", "oci:\(layout):2", "docker-archive:\(archive):\(Self.name)"])
      #expect(Array(try await engines.diffIDs(archive).prefix(2)) == diffIDs)
      try await engines.podman(["load", "--input", archive])
      #expect(try await engines.podmanRun(Self.name, ["/bin/busybox", "cat", "/file"]) == "from umoci")
    }
  }

  // MARK: Ours are read

  @Test func `docker loads an archive from copy and from pull, and runs it`() async throws {
    try await Self.withEngines { engines, diffIDs in
      let registry = try await RegistryServer.start()
      defer { registry.stop() }
      let reference = "\(registry.address)/cooper/test:1"
      try await engines.cooper(["push", "oci:\(engines.path("layout")):1", reference])
      let digest = try await engines.cooper(["digest", reference]).text
      try await engines.cooper([
        "pull", "\(registry.address)/cooper/test@\(digest)", "-o", engines.path("pulled.tar"),
        "--arch", "amd64", "--final-image-name", "cooper/pulled", "--final-image-tag", "1",
      ])
      let docker = try Engines.docker
      for (archive, name) in [("image.tar", Self.name), ("pulled.tar", "cooper/pulled:1")] {
        try await docker.docker(["load", "--input", engines.path(archive)])
        #expect(try await Self.dockerFacts(name).diffIDs == diffIDs)
        let config = try await engines.facts(engines.path("layout"))["configDigest"]?.string
        #expect(try await Self.dockerFacts(name).id == config)
        let run = ["run", "--rm", "--network", "none", name, "/bin/busybox", "echo", "hello from \(archive)"]
        #expect(try await docker.docker(run).text == "hello from \(archive)")
      }
      // Through a pipe, as people do it.
      let bytes = try await engines.cooper(["copy", reference, "-", "--arch", "amd64"]).output
      #expect(try await docker.docker(["load"], input: bytes).text.contains(reference))
    }
  }

  private static func dockerFacts(_ image: String) async throws -> (id: String?, diffIDs: [String]) {
    let value = try await JSONValue(parsing: Engines.docker.docker(["image", "inspect", image]).output)
    let facts = value.array?.first
    return (
      facts?["Id"]?.string, facts?["RootFS"]?["Layers"]?.array?.compactMap { $0.string } ?? []
    )
  }

  @Test func `docker and podman pull what was pushed, by its digest`() async throws {
    try await Self.withEngines { engines, diffIDs in
      let registry = try await RegistryServer.start()
      defer { registry.stop() }
      for (tag, location) in [
        ("kept", "oci:\(engines.path("layout")):1"), ("made", engines.path("image.tar")),
      ] {
        let reference = "\(registry.address)/cooper/test:\(tag)"
        try await engines.cooper(["push", location, reference])
        let digest = try await engines.cooper(["digest", reference]).text
        let pinned = "\(registry.address)/cooper/test@\(digest)"
        try await Engines.docker.docker(["pull", "--quiet", pinned])
        #expect(try await Self.dockerFacts(pinned).diffIDs == diffIDs)
        try await engines.podman(["pull", "--quiet", "--tls-verify=false", pinned])
        #expect(try await engines.podmanRun(pinned, ["/bin/busybox", "echo", tag]) == tag)
      }
    }
  }

  @Test(arguments: ["docker-archive:", "oci-archive:", "oci:"])
  func `podman loads and runs each of our formats`(format: String) async throws {
    try await Self.withEngines { engines, _ in
      let out = engines.path("ours")
      let target = "\(format)\(out):\(Self.name)"
      try await engines.cooper(["copy", "oci:\(engines.path("layout")):1", target])
      try await engines.podman(["load", "--input", "ours"])
      let id = try await engines.podman(["images", "--quiet", "--no-trunc"]).text
      #expect(id == (try await engines.facts(engines.path("layout"))["configDigest"]?.string))
      #expect(try await engines.podmanRun(id, ["/bin/busybox", "echo", "ran"]) == "ran")
    }
  }

  @Test(arguments: ["none", "gz", "zstd"])
  func `buildah runs a layout whose layers cooper compressed`(compression: String) async throws {
    try await Self.withEngines { engines, diffIDs in
      let out = "oci:\(engines.path("ours")):1"
      try await engines.cooper(
        ["copy", engines.path("image.tar"), out, "--format", "oci", "--layer-compression", compression])
      #expect(try await engines.diffIDs(out) == diffIDs)
      let container = try await engines.buildah(["from", "oci:ours:1"]).text
      let run = ["run", "--isolation", "chroot", container, "--", "/bin/busybox", "echo", compression]
      #expect(try await engines.buildah(run).text == compression)
    }
  }

  @Test func `umoci unpacks a layout, and skopeo reads every format`() async throws {
    try await Self.withEngines { engines, diffIDs in
      let bundle = engines.path("bundle")
      try await engines.umoci(["unpack", "--image", "\(engines.path("layout")):1", bundle])
      #expect(FileManager.default.isExecutableFile(atPath: "\(bundle)/rootfs/bin/busybox"))
      try await engines.cooper(["copy", engines.path("layout"), "oci-archive:\(engines.path("ours.tar")):1"])
      let digest = try await engines.digestBySkopeo("oci:\(engines.path("layout")):1")
      #expect(try await engines.digestBySkopeo("oci-archive:\(engines.path("ours.tar")):1") == digest)
      for location in [
        "docker-archive:\(engines.path("image.tar"))", "oci-archive:\(engines.path("ours.tar")):1",
      ] {
        let copy = "dir:\(engines.path("copy"))"
        try await engines.skopeo(["copy", location, copy])
        let facts = try JSONValue(parsing: await engines.skopeo(["inspect", "--config", copy]).output)
        #expect(facts["rootfs"]?["diff_ids"]?.array?.map { $0.string } == diffIDs)
      }
    }
  }

  // MARK: There and back

  @Test func `registry, layout, archive and registry again: the digest stays`() async throws {
    try await Self.withEngines { engines, _ in
      let registry = try await RegistryServer.start()
      defer { registry.stop() }
      let (first, last) = ("\(registry.address)/first:1", "\(registry.address)/last:1")
      try await engines.skopeo([
        "copy", "--all", "--dest-tls-verify=false", Self.testdata, "docker://\(first)",
      ])
      let (layout, archive) = ("oci:\(engines.path("a")):x", "oci-archive:\(engines.path("b.tar")):y")
      for (source, target) in [
        (first, layout), (layout, archive), (archive, "docker://\(last)"),
      ] { try await engines.cooper(["copy", source, target, "--all"]) }
      var documents: [[UInt8]] = []
      for reference in [first, last] {
        let raw = ["inspect", "--raw", "--tls-verify=false", "docker://\(reference)"]
        documents.append(try await engines.skopeo(raw).output)
      }
      #expect(documents[0] == documents[1])
      #expect(try await engines.cooper(["verify", last]).text.contains("2 images, 4 layers"))
    }
  }
}

extension EngineTests {
  @Test func `a layered image of a plain directory on a base runs in Docker`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let file = URL(fileURLWithPath: place.directory.appending("files/app/greeting"))
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("from a layer of its own\n".utf8).write(to: file)
    let base = "oci:" + Self.testdataPath + ":1.35"
    let spec: JSONValue = [
      "name": "localhost/cooper/layered", "tag": "1", "fromImage": .string(base),
      "contents": ["files", "helper:fakeNss"],
      "architecture": "amd64", "fakeRootCommands": "mkdir data; chown 1000:100 data; chmod 700 data",
      "config": ["Cmd": ["/bin/busybox", "cat", "/app/greeting"]],
    ]
    try Data(spec.serialized()).write(to: URL(fileURLWithPath: place.directory.appending("spec.json")))
    let archive = place.directory.appending("image.tar.gz")
    let built = try await place.cooper(
      ["build", "layered", place.directory.appending("spec.json"), "-o", archive, "--quiet"])
    #expect(built.status == 0, "\(built.errors)")
    try await Engines.docker.docker(["load", "--input", archive])
    let run = ["run", "--rm", "--network", "none"]
    let name = "localhost/cooper/layered:1"
    #expect(try await Engines.docker.docker(run + [name]).text == "from a layer of its own")
    let data = try await Engines.docker.docker(
      run + [name, "/bin/busybox", "stat", "-c", "%u %g %a", "/data"])
    #expect(data.text == "1000 100 700")
    let user = try await Engines.docker.docker(run + ["-u", "nobody", name, "/bin/busybox", "id", "-u"])
    #expect(user.text == "65534")
    // The same spec into a layout keeps the base's layers as they are stored.
    let layout = "oci:\(place.directory.appending("layout")):1"
    let pushed = try await place.cooper(
      ["build", "layered", place.directory.appending("spec.json"), "-o", layout, "--quiet"])
    #expect(pushed.status == 0, "\(pushed.errors)")
    func layers(_ location: String) async throws -> [String] {
      let result = try await place.cooper(["inspect", "--json", location, "--arch", "amd64"])
      #expect(result.status == 0, "\(result.errors)")
      return try JSONValue(parsing: result.output)["layers"]?.array?.compactMap { $0["digest"]?.string } ?? []
    }
    let kept = try await layers(base)
    #expect(try await Array(layers(layout).prefix(kept.count)) == kept)
    #expect(try await place.cooper(["verify", layout]).status == 0)
  }

  private static let testdataPath =
    #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image"
}
