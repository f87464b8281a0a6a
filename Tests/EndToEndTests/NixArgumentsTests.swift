import OrderedJSON
import TestSupport
import Testing

/// What the functions of tools/nix are given: what is wrong is told when it is evaluated, and every right kind of value works.
@Suite(WithNixStore(), .serialized) struct NixArgumentsTests {
  @Test(arguments: [
    ("dockerTools.buildImage { name = \"x\"; unknown = 1; }", "unexpected argument"),
    ("dockerTools.buildLayeredImage { name = \"x\"; copyToRoot = hello; }", "unexpected argument"),
    ("dockerTools.streamLayeredImage { name = \"x\"; compressor = \"gz\"; }", "unexpected argument"),
    ("dockerTools.pullImage { imageName = \"x\"; imageDigest = \"y\"; tag = \"z\"; }", "unexpected argument"),
    ("dockerTools.exportImage { fromImage = hello; compressor = \"gz\"; }", "unexpected argument"),
    ("dockerTools.buildNixShellImage { drv = helloPackage; maxLayers = 5; }", "unexpected argument"),
    ("dockerTools.streamNixShellImage { drv = helloPackage; compressor = \"gz\"; }", "unexpected argument"),
    ("dockerTools.buildImage { }", "without required argument 'name'"),
    ("dockerTools.buildLayeredImage { name = \"x\"; maxLayers = 1; }", "maxLayers is 1"),
    ("dockerTools.buildLayeredImage { name = \"x\"; layering = \"random\"; }", "random"),
    ("dockerTools.buildImage { name = \"x\"; compressor = \"xz\"; }", "\"gz\", \"none\", \"zstd\""),
    ("dockerTools.buildLayeredImage { name = \"x\"; compressor = \"lz4\"; }", "\"lz4\""),
    ("dockerTools.buildImage { name = \"x\"; contents = hello; copyToRoot = hello; }", "both are given"),
    (
      "dockerTools.pullImage { imageName = \"x\"; imageDigest = \"y\"; hash = \"a\"; sha256 = \"b\"; }",
      "both “hash” and “sha256”"
    ),
    (
      "dockerTools.streamNixShellImage { drv = helloPackage; run = \"a\"; command = \"b\"; }",
      "give one of them"
    ),
    (
      "dockerTools.buildNixShellImage { drv = helloPackage; homeDirectory = \"/a:b\"; }",
      "“homeDirectory” is \"/a:b\""
    ),
    (
      "dockerTools.streamNixShellImage { drv = helloPackage.overrideAttrs (_: { __structuredAttrs = true; }); }",
      "structured attributes"
    ),
    ("(import (builtins.toPath tools) { inherit cooper; }).binSh", "binSh needs the package bashInteractive"),
  ])
  func `what is wrong is told when it is evaluated`(expression: String, message: String) async throws {
    let result = try await NixPlace.suite.tryToEvaluate(
      "let tools = \"\(NixPlace.suite.directory.path)/tools\"; cooper = \"\(NixPlace.suite.cooper)\"; in (\(expression)).drvPath"
    )
    #expect(result.status == 1 && result.errors.contains(message), "\(result.errors)")
  }

  @Test func `contents of buildImage still work, with a warning`() async throws {
    let place = try NixPlace.suite
    let result = try await place.tryToBuild(#"dockerTools.buildImage { name = "old"; contents = hello; }"#)
    #expect(result.status == 0 && result.errors.contains("old name of “copyToRoot”"), "\(result.errors)")
    let names = try await place.files(of: place.store + result.text).joined()
    #expect(names.contains { $0.contains("./bin/hello") })
  }

  @Test(arguments: [
    "buildImage { name = \"x\"; config = null; copyToRoot = null; fromImage = null; runAsRoot = null; }",
    "buildLayeredImage { name = \"x\"; config = null; contents = null; fromImage = null; }",
  ])
  func `null is as good as nothing`(function: String) async throws {
    let place = try NixPlace.suite
    let path = try await place.build("dockerTools.\(function)")
    let files = try await place.files(of: path)
    #expect(files.count == 1 && files[0].count == 1 && files[0][0].hasSuffix(" ./"), "\(files)")
    let config = try await place.configuration(of: path)
    #expect(config["os"] == "linux" && config["rootfs"]?["diff_ids"]?.array?.count == 1)
  }

  @Test(arguments: [
    ("buildImage", "copyToRoot"), ("buildLayeredImage", "contents"), ("buildImageWithNixDb", "copyToRoot"),
    ("buildLayeredImageWithNixDb", "contents"),
  ])
  func `a directory below a store path, and packages as values in config`(
    function: String, contents: String
  ) async throws {
    let place = try NixPlace.suite
    let path = try await place.build(
      """
      dockerTools.\(function) {
        name = "x"; \(contents) = "${hello}/share"; config = { Labels.greeting = hello; Env = [ "FILE=${./data}" ]; };
      }
      """.replacing("./data", with: place.directory.write("some data", to: "data")))
    let files = try await place.files(of: path).joined()
    #expect(files.contains { $0.contains(" ./man/man1/hello.1.gz") })
    #expect(files.contains { $0.hasSuffix("-hello-2.12.1/bin/hello") })
    #expect(files.contains { $0.hasSuffix("-data") })
    #expect(files.contains { $0.hasSuffix("/db/db.sqlite") } == function.hasSuffix("WithNixDb"))
    let config = try await place.configuration(of: path)["config"]
    #expect(try await place.evaluate("\"${hello}\"") == config?["Labels"]?["greeting"])
  }

  @Test func `attributes of a derivation become variables as Nix has them`() async throws {
    let place = try NixPlace.suite
    let drv = """
      stdenv.mkDerivation {
        name = "odd"; __ignoreNulls = true; nothing = null; yes = true; no = false; list = [ 1 [ "a" null ] true ]; number = 2;
        set = { outPath = "path"; }; own = { __toString = _: "text"; }; here = placeholder "out"; buildPhase = ":"; installPhase = ":";
      }
      """
    let image = "dockerTools.streamNixShellImage { drv = \(drv); }"
    let archive = try place.directory.write(await place.stream(place.build(image)), to: "odd.tar")
    let variables = (try await place.configuration(of: archive)["config"]?["Env"]?.array ?? []).compactMap(
      \.string)
    let out = try await place.evaluate("builtins.unsafeDiscardStringContext (\(drv)).outPath").string ?? ""
    let path = try #require(try await place.evaluate("(\(drv)).drvPath").string)
    let shown = try JSONValue(parsing: await place.nix("nix", ["show-derivation", path]).output)
    let expected = try #require(shown[path]?["env"]?.object).members.map { ($0.name, $0.value.string ?? "") }
    #expect(expected.contains { $0 == ("list", "1 a  1") } && expected.count > 12)
    for (name, value) in expected where name != "here" {
      #expect(variables.contains("\(name)=\(value)"), "\(name)=\(value): \(variables)")
    }
    #expect(variables.contains("here=\(out)") && variables.contains("out=\(out)"))
    #expect(!variables.contains { $0.hasPrefix("nothing=") || $0.hasPrefix("__ignoreNulls=") })
  }

  @Test(arguments: [
    "buildImageWithNixDb { name = \"x\"; copyToRoot = hello; }",
    "buildLayeredImageWithNixDb { name = \"x\"; contents = hello; }",
    "buildLayeredImage { name = \"x\"; compressor = \"zstd\"; fakeRootCommands = \"echo > a; chown 7:8 a\"; }",
    "mergeImages [ (buildImage { name = \"a\"; }) (buildImage { name = \"b\"; compressor = \"none\"; }) ]",
  ])
  func `building again gives the same bytes`(function: String) async throws {
    let place = try NixPlace.suite
    _ = try await place.build("with dockerTools; \(function)")
    let again = try await place.tryToBuild("with dockerTools; \(function)", ["--check"])
    #expect(again.status == 0, "\(again.errors)")
  }
}
