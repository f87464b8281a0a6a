import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// The examples of dockerTools' manual, unchanged, against tools/nix: built in the sandbox, loaded into Docker, and run.
@Suite(WithNixStore(), WithDockerDaemon(), .serialized) struct NixExamplesTests {
  @Test(arguments: [
    ("buildImage", "redis", [], "a server in /data"),
    ("buildImage-runAsRoot", "hello", [], "Hello, world!"),
    ("shadowSetup-buildImage", "shadow-basic", [], "Hello, world!"),
    ("buildImage-extraCommands", "hello", [], "Hello, world!"),
    ("buildImage-creatednow", "hello", [], "Hello, world!"),
    ("buildLayeredImage-hello", "hello", [], "Hello, world!"),
    ("streamLayeredImage-hello", "hello", [], "Hello, world!"),
    ("streamLayeredImage-configclosure", "hello", [], "Hello, world!"),
    ("helpers-buildImage", "env-helpers", ["/bin/sh", "-c", "type help"], "help is a shell builtin"),
    ("helpers-buildLayeredImage", "env-helpers", ["/bin/sh", "-c", "type help"], "help is a shell builtin"),
    ("helpers-buildLayeredImage", "env-helpers", [], "Hello, world!"),
    ("shadowSetup-buildLayeredImage", "shadow-basic", [], "Hello, world!"),
  ])
  func `an example of the manual builds, loads and runs`(
    name: String, image: String, command: [String], expected: String
  ) async throws {
    let place = try NixPlace.suite
    #expect(try await place.load(#"example "\#(name)""#) == ["\(image):latest"])
    #expect(try await place.container("\(image):latest", command) == expected)
  }

  @Test func `extraCommands change the layer, and the working directory is there`() async throws {
    let path = try await NixPlace.suite.build(#"example "buildImage-extraCommands""#)
    let files = try await NixPlace.suite.files(of: path)
    // The store paths are in the same, single layer.
    #expect(files.count == 1)
    let names = files.joined().map { $0.split(separator: " ").dropFirst(5).joined(separator: " ") }
    for name in ["./data/", "./my-file", "./nix/store/"] { #expect(names.contains(name), "\(names)") }
    #expect(names.contains { $0.hasPrefix("./bin/hello -> /nix/store/") })
    let config = try await NixPlace.suite.configuration(of: path)
    #expect(config["config"]?["Cmd"] == ["/bin/hello"] && config["config"]?["WorkingDir"] == "/data")
  }

  @Test func `the layers that the manual explores are one store path each, and the tag is imageTag`()
    async throws
  {
    let place = try NixPlace.suite
    let script = try await place.build(#"example "streamLayeredImage-exploringlayers""#)
    let archive = try place.directory.write(try await place.stream(script), to: "explored.tar")
    let files = try await place.files(of: archive)
    // hello, bash, its libraries, the C library, busybox, and the links.
    #expect(files.count == 6)
    let links = files.last?.filter { $0.contains(" -> /nix/store/") } ?? []
    #expect(links.contains { $0.contains("./bin/hello -> ") })
    #expect(links.contains { $0.contains("./share/man/man1/hello.1.gz -> ") })
    let tag = try await place.evaluate(#"(example "streamLayeredImage-exploringlayers").imageTag"#)
    let text = try #require(tag.string)
    #expect(text.utf8.count == 32)
    #expect(try await place.repoTags(of: archive) == ["hello:\(text)"])
  }

  @Test func `2, 4 and 6: without store paths there are the links alone, and nothing runs`() async throws {
    let place = try NixPlace.suite
    let script = try await place.build(#"example "streamLayeredImage-exploringlayers-2""#)
    let archive = try place.directory.write(try await place.stream(script), to: "links.tar")
    let files = try await place.files(of: archive)
    #expect(files.count == 1)
    #expect(files.joined().contains { $0.contains("./bin/hello -> /nix/store/") })
    #expect(!files.joined().contains { $0.contains("./nix/") })
    let docker = try Engines.docker
    try await docker.docker(["load", "--input", archive])
    let name = try #require(try await place.repoTags(of: archive).first)
    await #expect(throws: (any Error).self) {
      try await docker.docker(["run", "--rm", "--network", "none", name, "/bin/hello"])
    }
    // With the store of the machine in its place it does.
    let mount = "\(place.store)/nix/store:/nix/store:ro"
    let run = ["run", "--rm", "--network", "none", "--volume", mount, name, "/bin/hello"]
    #expect(try await docker.docker(run).text == "Hello, world!")
  }

  @Test func `packages in config have the layers that contents have`() async throws {
    let place = try NixPlace.suite
    var layers: [[JSONValue]] = []
    for name in ["streamLayeredImage-hello", "streamLayeredImage-configclosure"] {
      let script = try await place.build(#"example "\#(name)""#)
      let archive = try place.directory.write(try await place.stream(script), to: "\(name).tar")
      layers.append(try await place.configuration(of: archive)["rootfs"]?["diff_ids"]?.array ?? [])
    }
    #expect(layers[0].count == 6 && layers[0].dropLast() == layers[1].dropLast())
    #expect(layers[0].last != layers[1].last)
  }

  @Test func `a script streams the bytes that buildLayeredImage compresses`() async throws {
    let place = try NixPlace.suite
    let built = try await place.build(#"example "buildLayeredImage-hello""#)
    let script = try await place.build(#"example "streamLayeredImage-hello""#)
    let inside = try await Program.check("gzip", ["-dc", built]).output
    let streamed = try await place.stream(script)
    #expect(Digest(of: inside) == Digest(of: streamed))
    // The script is for people: what runs it is in the store, and kept with it.
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: script)))
    let first = String(decoding: bytes.prefix(200), as: UTF8.self)
    #expect(first.hasPrefix("#!\(place.cooper)/bin/cooper stream\n{"))
    let references = try await place.nix(
      "nix-store", ["--query", "--references", String(script.dropFirst(place.store.count))])
    #expect(references.text.contains(place.cooper) && references.text.contains("-hello-2.12.1"))
    #expect(FileManager.default.isExecutableFile(atPath: script))
  }

  @Test func `49: exportImage gives a plain tar, whatever its name says, and Docker imports it`() async throws
  {
    let place = try NixPlace.suite
    for name in ["hello", "naming"] {
      let path = try await place.build(#"example "exportImage-\#(name)""#)
      #expect(path.hasSuffix(name == "hello" ? "-hello" : "-hello.tar.gz"))
      let list = try await Program.check("tar", ["-tf", path]).text.split(separator: "\n")
      #expect(list.first == "./" && list.contains("./bin/hello") && list.contains("./nix/store/"))
      #expect(!list.contains("manifest.json") && !list.contains { $0.contains("/.wh.") })
      let head = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).read(upToCount: 2) ?? Data()
      #expect([UInt8](head) != [0x1F, 0x8B])
    }
    let docker = try Engines.docker
    let path = try await place.build(#"example "exportImage-importingDocker""#)
    let id = try await docker.docker(["import", path]).text
    #expect(
      try await docker.docker(["run", "--rm", "--network", "none", id, "/bin/hello"]).text == "Hello, world!")
  }

  @Test func `exportImage takes a path when it gets a name, and cannot be evaluated without`() async throws {
    let place = try NixPlace.suite
    let image = try await place.build(#"example "buildLayeredImage-hello""#)
    try FileManager.default.copyItem(
      atPath: image, toPath: place.directory.appending("nix/examples/image.tar.gz"))
    let path = try await place.build(#"example "exportImage-fromImagePath""#)
    #expect(path.hasSuffix("-filesystem.tar"))
    #expect(try await Program.check("tar", ["-tf", path]).text.contains("./bin/hello"))
    let without = try await place.tryToEvaluate(
      "(dockerTools.exportImage { fromImage = \(image); }).drvPath")
    #expect(without.status == 1 && without.errors.contains("path"), "\(without.errors)")
  }

  @Test(arguments: ["shadowSetup-buildImage", "shadowSetup-buildLayeredImage"])
  func `users that shadowSetup made own what they were given, in the layer alone`(name: String) async throws {
    let place = try NixPlace.suite
    let path = try await place.build(#"example "\#(name)""#)
    let files = try await place.files(of: path)
    let data = try #require(files.joined().first { $0.hasSuffix(" ./data/") })
    #expect(data.contains(" 999/999 "), "\(data)")
    #expect(files.joined().contains { $0.hasSuffix(" ./etc/passwd") })
    // Nothing that scripts see beside the image is in it.
    #expect(
      !files.joined().contains { $0.contains(" ./dev") || $0.contains(" ./proc") || $0.contains(".cooper") })
    let machine = try String(contentsOfFile: "/etc/passwd", encoding: .utf8)
    #expect(!machine.contains("\nhello:"))
  }

  @Test(arguments: ["buildImage", "buildImage-runAsRoot", "shadowSetup-buildImage"])
  func `an example with runAsRoot asks for no machine with KVM`(name: String) async throws {
    let place = try NixPlace.suite
    #expect(try await place.evaluate(#"(example "\#(name)").drvAttrs ? requiredSystemFeatures"#) == false)
  }

  @Test(arguments: [
    (
      "pullImage-niximage", "docker-image-nix-2.19.3.tar",
      "sha256-zRwlQs1FiKrvHPaf8vWOR/Tlp1C5eLn1d9pE4BZg3oA="
    ),
    (
      "pullImage-differentregistry", "docker-image-etcd-v3.5.11.tar",
      "sha256-Myw+85f2/EVRyMB3axECdmQ5eh9p1q77FWYKy8YpRWU="
    ),
  ])
  func `pullImage makes a fixed output of the manual's hash and name`(
    name: String, output: String, hash: String
  ) async throws {
    let place = try NixPlace.suite
    let facts = try await place.evaluate(
      #"let d = example "\#(name)"; in { inherit (d) name outputHash outputHashMode; path = d.outPath; }"#)
    #expect(facts["name"]?.string == output && facts["outputHash"]?.string == hash)
    #expect(facts["outputHashMode"] == "flat")
    // The path follows from the hash and the name alone, as that of any nixpkgs does.
    let digest = try NixHash(parsing: hash, algorithm: .sha256)
    let expected = try await place.nix(
      "nix-store", ["--print-fixed-path", "sha256", digest.base32, output])
    #expect(facts["path"]?.string == expected.text)
  }

  /// All that can be built, except for the one that is different every time on purpose.
  private static let reproducible = [
    "buildImage", "buildImage-runAsRoot", "shadowSetup-buildImage",
    "buildImage-extraCommands", "buildLayeredImage-hello", "streamLayeredImage-hello",
    "streamLayeredImage-configclosure", "streamLayeredImage-exploringlayers", "exportImage-hello",
    "helpers-buildImage", "helpers-buildLayeredImage", "shadowSetup-buildLayeredImage",
    "buildNixShellImage-hello", "streamNixShellImage-hello",
  ]

  @Test(arguments: reproducible) func `building again gives the same bytes`(name: String) async throws {
    let place = try NixPlace.suite
    _ = try await place.build(#"example "\#(name)""#)
    let again = try await place.tryToBuild(#"example "\#(name)""#, ["--check"])
    #expect(again.status == 0, "\(again.errors)")
  }

  @Test(arguments: ["buildImage", "buildLayeredImage"])
  func `22 and 23: created now is when it was built`(function: String) async throws {
    let place = try NixPlace.suite
    let before = Date.now.timeIntervalSince1970 - 1
    let path = try await place.build(
      #"dockerTools.\#(function) { name = "now"; created = "now"; extraCommands = "mkdir x"; }"#)
    let created = try #require(try await place.configuration(of: path)["created"]?.string)
    let date = try #require(ISO8601DateFormatter().date(from: created.prefix(19) + "Z")).timeIntervalSince1970
    #expect(before...(Date.now.timeIntervalSince1970 + 1) ~= date, "\(created)")
  }

  // MARK: Other places

  @Test func `an ordinary user builds the same`() async throws {
    let user = try await NixPlace(user: 65534)
    do {
      let expression = #"example "shadowSetup-buildLayeredImage""#
      let (own, other) = try await (NixPlace.suite.build(expression), user.build(expression))
      #expect(own.hasSuffix(other.dropFirst(user.store.count)))
      #expect(
        try Digest(of: [UInt8](Data(contentsOf: URL(fileURLWithPath: own))))
          == Digest(of: [UInt8](Data(contentsOf: URL(fileURLWithPath: other)))))
    } catch {
      await user.remove()
      throw error
    }
    await user.remove()
  }
}
