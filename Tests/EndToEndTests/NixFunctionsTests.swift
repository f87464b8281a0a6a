import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// The functions of tools/nix beyond the manual's examples (nix-dockertools.md, sections 1 and 17).
@Suite(WithNixStore(), .serialized) struct NixFunctionsTests {
  @Test func `every function of the manual is there, and nothing needs a package until it is used`()
    async throws
  {
    let place = try NixPlace.suite
    let names = try await place.evaluate(
      "builtins.attrNames (import \(place.directory.path)/tools { cooper = \"/x\"; })")
    let found = Set((names.array ?? []).compactMap(\.string))
    #expect(
      found.isSuperset(of: [
        "buildImage", "buildLayeredImage", "streamLayeredImage", "pullImage", "exportImage", "mergeImages",
        "buildNixShellImage", "streamNixShellImage", "buildImageWithNixDb", "buildLayeredImageWithNixDb",
        "usrBinEnv", "binSh", "caCertificates", "fakeNss", "shadowSetup", "examples",
      ]))
  }

  @Test(arguments: [
    ("buildImage { name = \"r.example.com/team/App\"; }", "docker-image-App.tar.gz"),
    ("buildImage { name = \"app\"; compressor = \"none\"; }", "docker-image-app.tar"),
    ("(buildImage { name = \"a/app\"; }).layer", "docker-layer-app"),
    ("buildLayeredImage { name = \"a/app\"; compressor = \"zstd\"; }", "app.tar.zst"),
    ("(buildLayeredImage { name = \"a/app\"; }).stream", "stream-app"),
    ("(streamLayeredImage { name = \"a/app\"; }).conf", "app-conf.json"),
    ("buildNixShellImage { drv = helloPackage; name = \"other\"; }", "hello-2.12.1-env.tar.gz"),
    ("mergeImages [ ]", "merge-docker-images"),
  ])
  func `derivations are called as nixpkgs calls them`(expression: String, name: String) async throws {
    let found = try await NixPlace.suite.evaluate("with dockerTools; (\(expression)).name")
    #expect(found.string == name)
  }

  @Test func `results keep what describes them, and can be made again otherwise`() async throws {
    let facts = try await NixPlace.suite.evaluate(
      """
      let
        image = dockerTools.buildImage { name = "a"; tag = "1"; config.Cmd = [ "x" ]; meta.description = "words"; };
        layered = dockerTools.buildLayeredImage { name = "b"; tag = "2"; passthru.own = "mine"; };
      in {
        inherit (image) imageTag; inherit (image.buildArgs) name; out = image.out.imageTag; inherit (image.meta) description;
        layered = [ layered.imageTag layered.stream.imageTag layered.own layered.buildArgs.name ];
        again = [ (image.override { tag = "3"; }).imageTag (layered.override (old: { tag = old.tag + "x"; })).imageTag ];
      }
      """)
    #expect(
      facts == [
        "again": ["3", "2x"], "description": "words", "imageTag": "1", "layered": ["2", "2", "mine", "b"],
        "name": "a", "out": "1",
      ])
  }

  @Test func `our own examples build, and again to the same bytes`() async throws {
    let result = try await NixPlace.suite.tryToBuild("builtins.attrValues dockerTools.examples")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.text.split(separator: "\n").count == 10)
    let again = try await NixPlace.suite.tryToBuild("builtins.attrValues dockerTools.examples", ["--check"])
    #expect(again.status == 0, "\(again.errors)")
  }

  @Test func `shadowSetup is the program's own script`() async throws {
    let place = try NixPlace.suite
    let facts = try await place.evaluate(
      #"{ script = dockerTools.shadowSetup; bash = "${bash}"; shadow = "${shadow}"; }"#)
    let (bash, shadow) = try (#require(facts["bash"]?.string), #require(facts["shadow"]?.string))
    let script = try await Program.check(
      Program.builtTool, ["helper", "shadowSetup", "--script", "--bash", bash, "--shadow", shadow])
    #expect(facts["script"]?.string == String(decoding: script.output, as: UTF8.self))
  }

  // MARK: Tags

  @Test(arguments: [
    "buildImage { name = \"Upper/Case\"; copyToRoot = hello; }",
    "buildImage { name = \"Upper/Case\"; compressor = \"zstd\"; }",
    "buildImageWithNixDb { name = \"Upper/Case\"; copyToRoot = hello; }",
    "buildLayeredImage { name = \"Upper/Case\"; contents = hello; }",
    "buildLayeredImage { name = \"Upper/Case\"; compressor = \"none\"; }",
    "buildLayeredImageWithNixDb { name = \"Upper/Case\"; contents = [ hello ]; }",
    "streamLayeredImage { name = \"Upper/Case\"; }",
    "buildNixShellImage { name = \"Upper/Case\"; drv = helloPackage; }",
    "streamNixShellImage { name = \"Upper/Case\"; drv = helloPackage; }",
  ])
  func `10: imageTag is the tag in the archive, given or not`(function: String) async throws {
    let place = try NixPlace.suite
    for expression in [function, "(\(function)).override { tag = \"given\"; }"] {
      let expression = "with dockerTools; (\(expression))"
      var archive = try await place.build(expression)
      if archive.contains("-stream-") {
        archive = try place.directory.write(try await place.stream(archive), to: "streamed.tar")
      }
      let tag = try #require(try await place.evaluate("\(expression).imageTag").string)
      #expect(try await place.repoTags(of: archive) == ["upper/case:\(tag)"])
      #expect(expression.contains("given") == (tag == "given"))
    }
  }

  @Test func `a script takes another name when it runs`() async throws {
    let place = try NixPlace.suite
    let script = try await place.build(#"dockerTools.streamLayeredImage { name = "a"; contents = hello; }"#)
    let archive = try place.directory.write(
      try await place.stream(script, ["--repo_tag", "other:9"]), to: "other.tar")
    #expect(try await place.repoTags(of: archive) == ["other:9"])
  }

  // MARK: Layers

  @Test func `27: images with common dependencies share layers`() async throws {
    let place = try NixPlace.suite
    var layers: [Set<JSONValue>] = []
    for contents in ["hello", "cowsay"] {
      let path = try await place.build(
        "dockerTools.buildLayeredImage { name = \"x\"; contents = \(contents); }")
      layers.append(Set(try await place.configuration(of: path)["rootfs"]?["diff_ids"]?.array ?? []))
    }
    // bash, its libraries, the C library, busybox.
    #expect(layers[0].intersection(layers[1]).count == 4)
  }

  @Test func `35 and 36: what does not fit goes into the last layer of store paths, and nothing is missing`()
    async throws
  {
    let place = try NixPlace.suite
    let path = try await place.build(
      #"dockerTools.buildLayeredImage { name = "x"; contents = [ hello cowsay coreutils ]; maxLayers = 4; }"#)
    let files = try await place.files(of: path)
    #expect(files.count == 4)
    let closure = try await place.nix(
      "nix-store", ["-qR"] + ["hello", "cowsay", "coreutils"].asyncPaths(in: place))
    for item in closure.text.split(separator: "\n") {
      #expect(files.joined().contains { $0.hasSuffix(" \(item)/") }, "\(item)")
    }
  }

  @Test func `48: store paths that only a script's result speaks of are in the image`() async throws {
    let place = try NixPlace.suite
    for expression in [
      #"dockerTools.buildLayeredImage { name = "x"; extraCommands = "ln -s ${hello} link; echo '(\"quoted\")' > q"; }"#,
      #"dockerTools.buildImage { name = "x"; extraCommands = "ln -s ${hello} link; echo '(\"quoted\")' > q"; }"#,
      #"dockerTools.buildLayeredImage { name = "x"; fakeRootCommands = "echo ${hello} > text; chown 7:8 text"; }"#,
    ] {
      let files = try await place.files(of: try await place.build(expression)).joined()
      #expect(files.contains { $0.contains("-hello-2.12.1/bin/hello") }, "\(expression)")
      #expect(files.contains { $0.contains("glibc/lib/libc.so.6") }, "\(expression)")
    }
  }

  @Test func `51 and 52: a source directory of an expression is as good as a package`() async throws {
    let place = try NixPlace.suite
    try place.directory.write("from a file\n", to: "source/hello.txt")
    for expression in [
      "dockerTools.buildImage { name = \"x\"; copyToRoot = \(place.directory.path)/source; }",
      "dockerTools.buildLayeredImage { name = \"x\"; contents = \(place.directory.path)/source; }",
    ] {
      let files = try await place.files(of: try await place.build(expression)).joined()
      #expect(files.contains { $0.contains(" ./hello.txt") }, "\(expression)")
    }
  }

  @Test(arguments: ["buildImage", "buildLayeredImage"])
  func `another image is a base, whose variables stay`(function: String) async throws {
    let place = try NixPlace.suite
    let contents = function == "buildImage" ? "copyToRoot" : "contents"
    for base in ["buildImage", "buildLayeredImage"] {
      let path = try await place.build(
        """
        let parent = dockerTools.\(base) { name = "parent"; config.Env = [ "A=parent" "B=parent" ]; extraCommands = "echo p > p"; compressor = "zstd"; };
        in dockerTools.\(function) { name = "child"; fromImage = parent; \(contents) = hello; config.Env = [ "C=child" ]; architecture = "arm64"; }
        """)
      let config = try await place.configuration(of: path)
      #expect(config["config"]?["Env"] == ["A=parent", "B=parent", "C=child"])
      #expect(config["architecture"] == "arm64")
      #expect(try await place.files(of: path).joined().contains { $0.hasSuffix(" ./p") })
    }
  }

  @Test func `mergeImages keeps every image with its name`() async throws {
    let place = try NixPlace.suite
    let path = try await place.build(
      """
      dockerTools.mergeImages [
        (dockerTools.buildImage { name = "one"; tag = "1"; copyToRoot = hello; })
        (dockerTools.buildLayeredImage { name = "two"; tag = "2"; contents = hello; compressor = "none"; })
        (dockerTools.buildLayeredImage { name = "three"; tag = "3"; contents = cowsay; compressor = "zstd"; })
      ]
      """)
    #expect(try await place.repoTags(of: path) == ["one:1", "two:2", "three:3"])
    let start = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).read(upToCount: 4) ?? Data()
    #expect([UInt8](start) == [0x28, 0xB5, 0x2F, 0xFD])
  }

  @Test func `certificates, env and users are where programs look for them`() async throws {
    let place = try NixPlace.suite
    let path = try await place.build(
      """
      dockerTools.buildImage {
        name = "x"; copyToRoot = with dockerTools; [ usrBinEnv binSh caCertificates fakeNss ];
      }
      """)
    let files = try await place.files(of: path).joined().map {
      $0.split(separator: " ").dropFirst(5).joined(separator: " ")
    }
    for (name, target) in [
      ("./usr/bin/env", "/bin/env"), ("./bin/sh", "/bin/bash"),
      ("./etc/ssl/certs/ca-bundle.crt", "/etc/ssl/certs/ca-bundle.crt"),
      ("./etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-bundle.crt"),
      ("./etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-bundle.crt"),
    ] {
      #expect(files.contains { $0.hasPrefix("\(name) -> /nix/store/") && $0.hasSuffix(target) }, "\(files)")
    }
    for name in ["./etc/passwd", "./etc/group", "./etc/nsswitch.conf", "./var/empty/"] {
      #expect(files.contains(name), "\(name)")
    }
  }
}

extension [String] {
  /// The store paths of packages.
  fileprivate func asyncPaths(in place: NixPlace) async throws -> [String] {
    var paths: [String] = []
    for name in self { paths.append(try await place.evaluate("\"${\(name)}\"").string ?? "") }
    return paths
  }
}
