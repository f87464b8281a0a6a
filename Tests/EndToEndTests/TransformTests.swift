import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// `append`, `mutate`, `rebase` and `index` within a real registry, by its log, and into files.
@Suite struct TransformTests {
  private static let testdata =
    "oci:" + #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image:1.35"

  /// A registry with bases in two versions, `base:1` and `base:2`, and an app on the first, `app:1`, each for two platforms.
  private static func withApp(
    _ access: RegistryServer.Access = .open,
    _ body: (_ registry: RegistryServer, _ place: Workplace) async throws -> Void
  ) async throws {
    let registry = try await RegistryServer.start(access)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    for version in ["1", "2"] {
      try write("version \(version)\n", to: "base\(version)/etc/version", in: place)
      try await check(
        place,
        [
          "append", testdata, place.directory.appending("base\(version)"), "-o",
          "docker://\(registry.address)/base:\(version)",
        ])
    }
    try write("the app\n", to: "files/app/greeting", in: place)
    try await check(
      place,
      [
        "append", "\(registry.address)/base:1", place.directory.appending("files"), "-o",
        "docker://\(registry.address)/app:1",
      ])
    try await body(registry, place)
  }

  private static func write(_ text: String, to name: String, in place: Workplace) throws {
    let file = URL(fileURLWithPath: place.directory.appending(name))
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  @discardableResult
  private static func check(_ place: Workplace, _ arguments: [String], input: [UInt8] = []) async throws
    -> String
  {
    let result = try await place.cooper(arguments, input: input)
    #expect(result.status == 0, "\(arguments): \(result.errors)")
    return result.text
  }

  /// The requests that `body` makes.
  private static func requests(
    to registry: RegistryServer, _ body: () async throws -> Void
  ) async throws -> [RegistryServer.Request] {
    let before = try await registry.requests().count
    try await body()
    return try await Array(registry.requests().dropFirst(before))
  }

  /// The facts of an image: `cooper inspect`.
  private static func facts(_ place: Workplace, _ location: String, _ architecture: String = "amd64")
    async throws -> JSONValue
  {
    try JSONValue(
      parsing: Array(try await check(place, ["inspect", location, "--json", "--arch", architecture]).utf8))
  }

  private static func layers(_ facts: JSONValue, _ member: String = "digest") -> [String] {
    facts["layers"]?.array?.compactMap { $0[member]?.string } ?? []
  }

  /// Requests that send or fetch a blob which is one of these layers.
  private static func layerTransfers(
    _ requests: [RegistryServer.Request], _ layers: [String]
  ) -> [RegistryServer.Request] {
    // In a query the colon of a digest is escaped.
    let names = layers.map { $0.dropFirst("sha256:".count) }
    return requests.filter { request in
      ["GET", "PUT", "PATCH"].contains(request.method) && names.contains { request.path.contains($0) }
    }
  }

  /// The requests, for messages about a test that failed.
  private static func list(_ requests: [RegistryServer.Request]) -> String {
    requests.map { "\($0.method) \($0.path) \($0.status)" }.joined(separator: "\n")
  }

  // MARK: Rebase

  @Test func `a rebase keeps both platforms and moves no layer`() async throws {
    try await Self.withApp { registry, place in
      let (app, base) = ("\(registry.address)/app", "\(registry.address)/base")
      let requests = try await Self.requests(to: registry) {
        try await Self.check(
          place,
          [
            "rebase", "\(app):1", "--old-base", "\(base):1", "--new-base", "\(base):2", "-o",
            "docker://\(app):2",
          ])
      }
      // Of three indexes two images each with their configs; one mount; two configs; three manifests.
      #expect(requests.count <= 25, "\(Self.list(requests))")
      var all: [String] = []
      for architecture in ["amd64", "arm64"] {
        let (old, new) = try await (
          Self.facts(place, "\(app):1", architecture), Self.facts(place, "\(base):2", architecture)
        )
        let result = try await Self.facts(place, "\(app):2", architecture)
        #expect(Self.layers(result) == Self.layers(new) + Self.layers(old).suffix(1))
        all += Self.layers(result)
      }
      #expect(Self.layerTransfers(requests, all) == [])
      #expect(try await Self.check(place, ["verify", "\(app):2"]).contains("2 images"))
    }
  }

  @Test func `annotations are enough for the next rebase, and its pinned command repeats it`() async throws {
    try await Self.withApp { registry, place in
      let (app, base) = ("\(registry.address)/app", "\(registry.address)/base")
      try await Self.check(
        place,
        [
          "rebase", "\(app):1", "--old-base", "\(base):1", "--new-base", "\(base):1", "-o",
          "docker://\(app):2",
        ])
      let digest = try await Self.check(place, ["digest", "\(base):2"])
      // A new build gets the old one's tag.
      try await Self.check(place, ["copy", "\(base):2", "docker://\(base):1", "--all"])
      let pinned = try await Self.check(place, ["rebase", "\(app):2", "-o", "docker://\(app):3", "--pinned"])
      let words = pinned.split(separator: " ").map(String.init)
      #expect(words.starts(with: ["cooper", "rebase"]) && words.contains("docker://\(base):1@\(digest)"))
      let first = try await Self.check(place, ["digest", "\(app):3"])
      try await Self.check(place, ["mutate", "\(app):3", "--user", "x", "-o", "docker://\(app):3"])
      try await Self.check(place, Array(words.dropFirst()))
      #expect(try await Self.check(place, ["digest", "\(app):3"]) == first)
      let manifest = try JSONValue(
        parsing: Array(try await Self.check(place, ["manifest", "\(app):3", "--arch", "amd64"]).utf8))
      #expect(manifest["annotations"]?["org.opencontainers.image.base.name"]?.string == "\(base):1")
      #expect(manifest["annotations"]?["org.opencontainers.image.base.digest"]?.string == digest)
    }
  }

  @Test func `a foreign base is refused, with the layer, and nothing is written`() async throws {
    try await Self.withApp { registry, place in
      let (app, base) = ("\(registry.address)/app", "\(registry.address)/base")
      let result = try await place.cooper([
        "rebase", "\(app):1", "--old-base", "\(base):2", "--new-base", "\(base):1", "-o", "docker://\(app):2",
      ])
      #expect(result.status == 3)
      let (image, other) = try await (Self.facts(place, "\(app):1"), Self.facts(place, "\(base):2"))
      let (found, expected) = (Self.layers(image, "diffID")[2], Self.layers(other, "diffID")[2])
      #expect(result.errors.contains("layer 3 of its 4 layers should be \(expected) and is \(found)"))
      #expect(try await place.cooper(["digest", "\(app):2"]).status == 4)
      let none = try await place.cooper(["rebase", "\(app):1", "-o", "docker://\(app):2"])
      #expect(none.status == 2 && none.errors.contains("--old-base"), "\(none.errors)")
    }
  }

  @Test func `a platform that the new base lacks is named`() async throws {
    try await Self.withApp { registry, place in
      let (app, base) = ("\(registry.address)/app", "\(registry.address)/base")
      try await Self.check(
        place, ["index", "filter", "\(base):2", "--platform", "linux/amd64", "-o", "docker://\(base):amd64"])
      let arguments = ["rebase", "\(app):1", "--old-base", "\(base):1", "--new-base", "\(base):amd64", "-o"]
      let result = try await place.cooper(arguments + ["docker://\(app):2"])
      #expect(result.status == 4 && result.errors.contains("linux/arm64/v8"), "\(result.errors)")
      try await Self.check(place, arguments + ["docker://\(app):2", "--platform", "linux/amd64"])
      let facts = try await Self.facts(place, "\(app):2")
      #expect(facts["platforms"] == [] && facts["platform"]?.string == "linux/amd64")
    }
  }

  @Test func `a rebase asks for a token once for what it reads and once for what it writes`() async throws {
    let tokens = try await TokenServer.start()
    defer { tokens.stop() }
    try await Self.withApp(.token(tokens)) { registry, place in
      let (app, base) = ("\(registry.address)/app", "\(registry.address)/base")
      let before = tokens.requests.count
      try await Self.check(
        place,
        [
          "rebase", "\(app):1", "--old-base", "\(base):1", "--new-base", "\(base):2", "-o",
          "docker://\(app):2",
        ])
      let scopes = tokens.requests.dropFirst(before).map { $0.fields["scope"] ?? [] }
      // To read the two repositories, to write one, and to mount from the other.
      #expect((1...4).contains(scopes.count), "\(scopes)")
      #expect(try await Self.check(place, ["verify", "\(app):2"]).contains("2 images"))
    }
  }

  @Test func `between registries, only layers that the destination lacks are fetched`() async throws {
    try await Self.withApp { registry, place in
      let other = try await RegistryServer.start()
      defer { other.stop() }
      let (app, base) = ("\(registry.address)/app", "\(registry.address)/base")
      try await Self.check(place, ["copy", "\(app):1", "docker://\(other.address)/app:1", "--all"])
      let requests = try await Self.requests(to: registry) {
        try await Self.check(
          place,
          [
            "rebase", "\(other.address)/app:1", "--old-base", "\(base):1", "--new-base", "\(base):2", "-o",
            "docker://\(other.address)/app:2",
          ])
      }
      let layers = Self.layers(try await Self.facts(place, "\(base):2"))
      #expect(Self.layerTransfers(requests, layers).map(\.path) == ["/v2/base/blobs/\(layers[2])"])
      #expect(try await Self.check(place, ["verify", "\(other.address)/app:2"]).contains("2 images"))
    }
  }

  // MARK: Mutate

  @Test func `mutate sends configs and manifests only`() async throws {
    try await Self.withApp { registry, place in
      let app = "\(registry.address)/app"
      let requests = try await Self.requests(to: registry) {
        try await Self.check(
          place,
          [
            "mutate", "\(app):1", "--env", "MODE=x", "--label", "a=b", "--entrypoint",
            #"["/bin/busybox", "echo a"]"#, "--port", "80", "--volume", "/data", "--workdir", "/w", "--user",
            "1:2",
            "--stop-signal", "SIGINT", "--created", "@5", "--annotation", "k=v", "-o", "docker://\(app):2",
          ])
      }
      // Index, manifests and configs are fetched; two configs and three manifests are sent.
      #expect(requests.count <= 14, "\(Self.list(requests))")
      for architecture in ["amd64", "arm64"] {
        let (before, after) = try await (
          Self.facts(place, "\(app):1", architecture), Self.facts(place, "\(app):2", architecture)
        )
        #expect(Self.layers(before) == Self.layers(after))
        #expect(Self.layerTransfers(requests, Self.layers(before)) == [])
        #expect(after["entrypoint"] == ["/bin/busybox", "echo a"] && after["cmd"] == [])
        #expect(after["user"]?.string == "1:2" && after["workingDir"]?.string == "/w")
        #expect(after["exposedPorts"] == ["80/tcp"] && after["volumes"] == ["/data"])
        #expect(after["labels"] == ["a": "b"] && after["created"]?.string == "1970-01-01T00:00:05Z")
        #expect(after["env"]?.array?.last?.string == "MODE=x")
      }
      let index = try JSONValue(parsing: Array(try await Self.check(place, ["manifest", "\(app):2"]).utf8))
      #expect(index["annotations"] == ["k": "v"])
    }
  }

  @Test func `the attestation of a changed image is left out, and that is said`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let image = ImageSpec(.oci, layers: []).stored
    let statement = ImageSpec(.oci, layers: [.init(Array("{}".utf8), type: "application/vnd.in-toto+json")])
    let extra =
      #""annotations":{"vnd.docker.reference.digest":"\#(image.digest)","vnd.docker.reference.type":"attestation-manifest"},"#
    let index = IndexSpec(
      .oci,
      [.init(image, "linux/amd64"), .init(statement.stored, "unknown/unknown", extra: extra)])
    let reference = try index.stored.push(to: registry, repository: "built")
    let target = ["-o", "docker://\(registry.address)/changed:1"]
    let result = try await place.cooper(["mutate", reference, "--user", "x"] + target)
    #expect(result.status == 0 && result.errors.contains("left out attestation-manifest"), "\(result.errors)")
    let quiet = try await place.cooper(["mutate", reference, "--user", "x", "--quiet"] + target)
    #expect(quiet.status == 0 && quiet.errors.isEmpty, "\(quiet.errors)")
    // Unchanged, it stays.
    let same = try await place.cooper(["mutate", reference] + target + ["--json"])
    #expect(try JSONValue(parsing: same.output)["digest"]?.string == index.stored.digest.description)
  }

  @Test func `into another repository, layers are mounted`() async throws {
    try await Self.withApp { registry, place in
      let (app, other) = ("\(registry.address)/app", "\(registry.address)/other")
      let requests = try await Self.requests(to: registry) {
        try await Self.check(place, ["mutate", "\(app):1", "--user", "x", "-o", "docker://\(other):1"])
      }
      // The same, and each of six different layers is mounted once.
      #expect(requests.count <= 20, "\(Self.list(requests))")
      let layers = Self.layers(try await Self.facts(place, "\(app):1"))
      #expect(Self.layerTransfers(requests, layers) == [])
      let mounts = requests.filter { $0.path.contains("mount=") }
      #expect(mounts.allSatisfy { $0.status == 201 })
      for layer in layers { #expect(mounts.contains { $0.path.contains(layer) }) }
      #expect(try await Self.check(place, ["verify", "\(other):1"]).contains("2 images"))
    }
  }

  // MARK: Append

  @Test(arguments: ["linux/arm64/v8", "linux/s390x"])
  func `scratch is an image without layers, for the platform that is asked for`(_ platform: String)
    async throws
  {
    let place = try Workplace()
    defer { place.remove() }
    let target = "oci:\(place.directory.appending("layout")):1"
    try await Self.check(
      place, ["append", "scratch", "-", "--platform", platform, "-o", target], input: LayerBytes.tar("a", "b")
    )
    let facts = try await Self.facts(place, target, "any")
    #expect(facts["platform"]?.string == platform && Self.layers(facts).count == 1)
    #expect(try await Self.check(place, ["verify", target]).contains("1 image"))
  }

  @Test func `append sends its own layer alone`() async throws {
    try await Self.withApp { registry, place in
      let app = "\(registry.address)/app"
      let tar = LayerBytes.tar("new", "a new file")
      let requests = try await Self.requests(to: registry) {
        try await Self.check(place, ["append", "\(app):1", "-", "-o", "docker://\(app):2"], input: tar)
      }
      // As for a changed config, and one layer for both images.
      #expect(requests.count <= 17, "\(Self.list(requests))")
      for architecture in ["amd64", "arm64"] {
        let (before, after) = try await (
          Self.facts(place, "\(app):1", architecture), Self.facts(place, "\(app):2", architecture)
        )
        #expect(Self.layers(after).dropLast() == Self.layers(before)[...])
        #expect(Self.layers(after, "diffID").last == Digest(of: tar).description)
        #expect(Self.layerTransfers(requests, Self.layers(after)).count == 1)
        #expect(Self.layerTransfers(requests, Self.layers(before)) == [])
      }
    }
  }

  // MARK: Index

  @Test func `an index is made of images and taken apart again, with skopeo's view of it`() async throws {
    try Program.require("skopeo", package: "skopeo")
    try await Self.withApp { registry, place in
      let name = "\(registry.address)/app"
      for architecture in ["amd64", "arm64"] {
        try await Self.check(
          place, ["copy", "\(name):1", "docker://\(name):\(architecture)", "--arch", architecture])
      }
      let requests = try await Self.requests(to: registry) {
        try await Self.check(
          place, ["index", "create", "\(name):amd64", "\(name):arm64", "-o", "docker://\(name):both"])
      }
      // Manifests, and configs for their platforms; nothing is sent but three manifests.
      #expect(requests.count <= 7, "\(Self.list(requests))")
      let raw = ["inspect", "--raw", "--tls-verify=false", "docker://\(name):both"]
      let index = try JSONValue(parsing: await Program.check("skopeo", raw).output)
      #expect(index["mediaType"]?.string == "application/vnd.oci.image.index.v1+json")
      var digests: [String] = []
      for architecture in ["amd64", "arm64"] {
        digests.append(try await Self.check(place, ["digest", "\(name):\(architecture)"]))
      }
      #expect(index["manifests"]?.array?.map { $0["digest"]?.string } == digests)
      #expect(
        index["manifests"]?.array?.map { $0["platform"]?["architecture"]?.string } == ["amd64", "arm64"])
      let twice = try await place.cooper([
        "index", "add", "\(name):both", "\(name):amd64", "-o", "docker://\(name):x",
      ])
      #expect(twice.status == 2 && twice.errors.contains(digests[0]), "\(twice.errors)")
      try await Self.check(
        place, ["index", "remove", "\(name):both", "--digest", digests[0], "-o", "docker://\(name):less"])
      #expect(try await Self.facts(place, "\(name):less", "arm64")["platforms"] == ["linux/arm64"])
      let lacking = try await place.cooper([
        "index", "filter", "\(name):both", "--platform", "linux/s390x", "-o", "docker://\(name):x",
      ])
      #expect(lacking.status == 4 && lacking.errors.contains("linux/s390x"), "\(lacking.errors)")
    }
  }

  // MARK: Files

  @Test(arguments: ["oci:", "oci-archive:", "docker-archive:"])
  func `layouts and archives are read and written`(transport: String) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let (source, result) = (
      "\(transport)\(place.directory.appending("source"))",
      "\(transport)\(place.directory.appending("result"))"
    )
    try await Self.check(place, ["copy", Self.testdata, source, "--arch", "amd64"])
    let layer = try place.directory.write(LayerBytes.tar("new", "a new file"), to: "layer.tar")
    try await Self.check(place, ["append", source, layer, "-o", result])
    try await Self.check(
      place, ["rebase", result, "--old-base", source, "--new-base", source, "-o", result + "2"])
    try await Self.check(place, ["mutate", result + "2", "--env", "A=1", "-o", result + "3"])
    #expect(try await Self.check(place, ["verify", result + "3"]).contains("1 image, 3 layers"))
    let (before, after) = try await (Self.facts(place, source), Self.facts(place, result + "3"))
    #expect(Self.layers(after, "diffID").dropLast() == Self.layers(before, "diffID")[...])
    #expect(after["env"]?.array?.last?.string == "A=1")
  }

  @Test func `a layout is changed in place`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let layout = "oci:\(place.directory.appending("layout")):x"
    try await Self.check(place, ["copy", Self.testdata, layout, "--all"])
    try await Self.check(place, ["mutate", layout, "--user", "x", "-o", layout])
    #expect(try await Self.facts(place, layout)["user"]?.string == "x")
    #expect(try await Self.facts(place, layout)["platforms"]?.array?.count == 2)
    #expect(try await Self.check(place, ["verify", layout]).contains("2 images"))
  }

  @Test func `a single image for another platform than the chosen one is refused`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let layout = "oci:\(place.directory.appending("layout")):x"
    try await Self.check(place, ["copy", Self.testdata, layout, "--arch", "arm64"])
    let result = try await place.cooper(
      ["mutate", layout, "--user", "x", "--platform", "linux/amd64", "-o", place.archivePath])
    #expect(result.status == 4 && result.errors.contains("linux/arm64"), "\(result.errors)")
    #expect(!place.directory.contains("out.tar"))
  }

  @Test(arguments: [
    ["--env", "A"], ["--port", "0"], ["--port", "80/xyz"], ["--cmd", "say \"hello\""], ["--cmd", "[1]"],
    ["--created", "yesterday"], ["--set-platform", "linux"], ["--set-platform", "linux/riscv64"],
  ])
  func `wrong options of mutate are refused`(options: [String]) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let target = ["-o", "oci:\(place.directory.appending("layout"))"]
    let result = try await place.cooper(["mutate", Self.testdata] + options + target)
    // What is wrong only for an index of several images is found later.
    #expect([1, 2].contains(result.status), "\(result.errors)")
    #expect(result.errors.contains(options[1]) || result.errors.contains("--platform"), "\(result.errors)")
    #expect(try place.directory.names() == [])
  }

  @Test func `what cannot be written leaves nothing`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let missing = place.directory.appending("no/such/directory")
    for target in ["oci-archive:\(missing)/x.tar", "docker-archive:\(missing)/x.tar"] {
      let result = try await place.cooper([
        "mutate", Self.testdata, "--user", "x", "--platform", "linux/amd64", "-o", target,
      ])
      #expect(result.status == 1, "\(result.errors)")
    }
    let bad = try place.directory.write("no tar", to: "bad")
    let result = try await place.cooper([
      "append", Self.testdata, bad, "-o", "oci:\(place.directory.appending("layout"))",
    ])
    #expect(result.status == 1 && result.errors.contains("bad cannot be a layer"))
    let several = try await place.cooper(["mutate", Self.testdata, "--user", "x", "-o", place.archivePath])
    #expect(several.status == 2 && several.errors.contains("--platform"))
    #expect(try place.directory.names() == ["bad"])
  }
}
