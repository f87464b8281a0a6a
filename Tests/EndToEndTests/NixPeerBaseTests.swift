import OrderedJSON
import TestSupport
import Testing

/// Those cases of nixpkgs' own tests that are about images on other images, by their numbers; see `NixPeerTests`.
@Suite(WithNixStore(), WithDockerDaemon(), .serialized) struct NixPeerBaseTests {
  /// A pulled image of testdata's, as an expression.
  private static func withPulled(_ body: (String) async throws -> Void) async throws {
    let registry = try await RegistryServer.start(.open)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let name = "\(registry.address)/busybox"
    let pushed = try await place.cooper(["push", "oci:\(testdata("image")):1.35", "\(name):1", "--all"])
    try #require(pushed.status == 0, "\(pushed.errors)")
    let facts = try await place.cooper(
      ["prefetch", name, "1", "--json", "--quiet"], environment: ["PATH": "/nonexistent"])
    let pin = try JSONValue(parsing: facts.output)
    let (digest, hash) = try (#require(pin["imageDigest"]?.string), #require(pin["hash"]?.string))
    try await body(
      """
      (dockerTools.pullImage {
        imageName = "\(name)"; imageDigest = "\(digest)"; hash = "\(hash)"; arch = "amd64"; tlsVerify = false;
        finalImageTag = "1";
      })
      """)
  }

  @Test func `18 and 20: a pulled image runs, and is a base`() async throws {
    let place = try NixPlace.suite
    try await Self.withPulled { pulled in
      let text = try await place.run(pulled, ["/bin/busybox", "echo", "pulled"])
      #expect(text == "pulled")
      for function in ["buildImage { copyToRoot", "buildLayeredImage { contents"] {
        let image = "dockerTools.\(function) = hello; name = \"on-pulled\"; fromImage = \(pulled); }"
        let text = try await place.run(image, ["/bin/busybox", "sh", "-c", "/bin/hello"])
        #expect(text == "Hello, world!")
      }
    }
  }

  @Test(arguments: ["buildImage { copyToRoot", "buildLayeredImage { contents"])
  func `25 and 26: on a layered image, what that has is visible`(function: String) async throws {
    let image = """
      dockerTools.\(function) = hello; name = "upper"; config.Cmd = [ "/bin/sh" "-c" "hello; cat /lower" ];
        fromImage = dockerTools.buildLayeredImage { name = "lower"; contents = [ busybox ]; extraCommands = "echo lower > lower"; };
      }
      """
    #expect(try await NixPlace.suite.run(image) == "Hello, world!\nlower")
  }

  @Test(arguments: ["buildImage", "buildLayeredImage"])
  func `28: of three images on top of each other all files are there`(function: String) async throws {
    let image = """
      let
        contents = if "\(function)" == "buildImage" then { copyToRoot = [ busybox ]; } else { contents = [ busybox ]; };
        on = number: base: more: dockerTools.\(function) ({
          name = "l${number}"; fromImage = base;
          extraCommands = "mkdir -p tmp; echo layer${number} > tmp/layer${number}; echo ${number} > tmp/last";
        } // more);
      in on "3" (on "2" (on "1" null contents) { }) { }
      """
    let command = ["/bin/cat", "/tmp/layer1", "/tmp/layer2", "/tmp/layer3", "/tmp/last"]
    #expect(try await NixPlace.suite.run(image, command) == "layer1\nlayer2\nlayer3\n3")
  }

  @Test func `29: runAsRoot sees the layers of its base in their order`() async throws {
    let image = """
      let
        on = letter: base: more: dockerTools.buildImage ({
          name = "layer-${letter}"; fromImage = base; runAsRoot = "printf %s ${letter} >> /file";
        } // more);
      in on "c" (on "b" (on "a" null { copyToRoot = [ busybox ]; }) { }) { }
      """
    #expect(try await NixPlace.suite.run(image, ["/bin/cat", "/file"]) == "abc")
  }

  @Test func `30: a base may have a layer twice, and links to layers`() async throws {
    let place = try NixPlace.suite
    let work = try Workplace()
    defer { work.remove() }
    // As skopeo writes it: each layer's directory has a link to the layer, and two lead to the same one.
    func cooper(_ arguments: [String]) async throws {
      let result = try await work.cooper(arguments)
      try #require(result.status == 0, "\(result.errors)")
    }
    try work.directory.write("one", to: "first/file")
    try work.directory.write("two", to: "second/file")
    let (first, second) = (work.directory.appending("first"), work.directory.appending("second"))
    let layout = work.directory.appending("repeated")
    try await cooper([
      "append", "oci:\(testdata("image")):1.35", first, second, first, "-o", "oci:\(layout):1",
      "--platform", "linux/amd64",
    ])
    let archive = place.directory.appending("repeated.tar")
    try await Program.check(
      "skopeo", ["--insecure-policy", "copy", "oci:\(layout):1", "docker-archive:\(archive):repeated:1"])
    let list = try await Program.check("tar", ["-tvf", archive]).text.split(separator: "\n")
    #expect(
      list.count { $0.contains("/layer.tar -> ../") } == 5
        && list.count { $0.hasSuffix(".tar") && !$0.contains("->") } == 4)
    for commands in ["runAsRoot", "extraCommands"] {
      let image = """
        dockerTools.buildImage { name = "on-repeated"; fromImage = \(archive); \(commands) = "echo ran > ran"; }
        """
      #expect(try await place.run(image, ["/bin/busybox", "sh", "-c", "cat /file /ran"]) == "oneran")
    }
  }

  @Test(arguments: [("buildImage", "copyToRoot"), ("buildLayeredImage", "contents")])
  func `31 to 33: variables are inherited, the last value counts, and none is there twice`(
    function: String, contents: String
  ) async throws {
    let place = try NixPlace.suite
    let image = """
      dockerTools.\(function) {
        name = "child"; \(contents) = [ busybox ]; config.Env = [ "FROM_CHILD=true" "LAST_LAYER=child" ];
        fromImage = dockerTools.\(function) { name = "parent"; config.Env = [ "FROM_PARENT=true" "LAST_LAYER=parent" ]; };
      }
      """
    let variables = try await place.run(image, ["/bin/env"]).split(separator: "\n").map(String.init)
    for variable in ["FROM_PARENT=true", "FROM_CHILD=true", "LAST_LAYER=child"] {
      #expect(variables.contains(variable), "\(variables)")
    }
    let env = try await place.configuration(of: place.build(image))["config"]?["Env"]?.array ?? []
    let names = env.compactMap { $0.string?.prefix { $0 != "=" } }
    #expect(Set(names) == ["FROM_PARENT", "FROM_CHILD", "LAST_LAYER"])
    // nixpkgs' buildImage appends them without looking (section 14); what is the last counts.
    if function == "buildLayeredImage" { #expect(names.count == 3, "\(names)") }
  }

  @Test func `44 to 47: images of a merged archive run, with any compressor and tag, and keep their owners`()
    async throws
  {
    let place = try NixPlace.suite
    let names = try await place.load(
      """
      dockerTools.mergeImages [
        (dockerTools.buildImage { name = "one"; tag = "1"; copyToRoot = [ busybox ]; uid = 7; gid = 8; extraCommands = "echo 1 > mine"; })
        (dockerTools.buildLayeredImage { name = "two"; contents = [ busybox ]; compressor = "none"; fakeRootCommands = "echo 2 > mine; chown 9:10 mine"; })
        (dockerTools.buildLayeredImage { name = "three"; contents = [ busybox hello ]; compressor = "gz"; })
      ]
      """)
    try #require(names.count == 3)
    #expect(names[0] == "one:1" && names[1].hasPrefix("two:") && names[2].hasPrefix("three:"))
    let look = ["/bin/sh", "-c", "cat mine; stat -c %u:%g mine"]
    #expect(try await place.container(names[0], look) == "1\n7:8")
    #expect(try await place.container(names[1], look) == "2\n9:10")
    #expect(try await place.container(names[2], ["/bin/hello"]) == "Hello, world!")
  }

  @Test func `an image runs on the overlay driver, also for an ordinary user`() async throws {
    let place = try NixPlace.suite
    let archive = try await place.archive(
      #"dockerTools.buildLayeredImage { name = "overlaid"; tag = "1"; contents = [ bash coreutils ]; }"#)
    let docker = try await DockerDaemon.start(storageDriver: "overlay2")
    defer { docker.stop() }
    try await docker.docker(["load", "--input", archive])
    #expect(try await docker.docker(["info", "--format", "{{.Driver}}"]).text == "overlay2")
    for (user, id) in [("0:0", "0"), ("1000:1000", "1000")] {
      let words = [
        "run", "--rm", "--network", "none", "--user", user, "overlaid:1", "/bin/bash", "-c", "/bin/id -u",
      ]
      #expect(try await docker.docker(words).text == id)
    }
  }
}
