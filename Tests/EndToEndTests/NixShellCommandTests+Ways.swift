import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// Build environments that are streamed, pushed, made without Nix, and refused.
extension NixShellCommandTests {
  @Test func `stream shell writes the same image, also by a script, and push takes the spec`() async throws {
    let place = try NixPlace.suite
    let spec = try await Self.spec("helloPackage", ["compressor": "none"])
    let built = try await Self.digest(of: Self.build(spec))
    let streamed = try await Self.cooper(["stream", "shell", spec])
    #expect(streamed.status == 0 && Digest(of: streamed.output) == built)
    let script = place.directory.appending("stream-hello-env")
    #expect(try await Self.cooper(["stream", "shell", spec, "--script", script]).status == 0)
    let environment = place.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 }
    #expect(try await Digest(of: Program.check(script, [], environment: environment).output) == built)
    let registry = try await RegistryServer.start(.open)
    defer { registry.stop() }
    let pushed = try await Self.cooper(["push", spec, "\(registry.address)/hello-env:1", "--quiet"])
    #expect(pushed.status == 0, "\(pushed.errors)")
  }

  @Test func `without Nix the inputs must be there, and the graph in a file`() async throws {
    let place = try NixPlace.suite
    let paths = try await Self.inputs(of: "helloPackage", in: place)
    let graph = try await place.nix("nix", ["path-info", "--json", "-r", "-s"] + paths)
    let file = try place.directory.write(graph.output, to: "graph.json")
    let with = try await Self.digest(of: Self.build(Self.spec("helloPackage")))
    let spec = try await Self.spec("helloPackage", ["closure": .string(file)])
    let without = try await Self.build(
      spec, environment: ["PATH": "/nonexistent", "NIX_REMOTE": place.store])
    #expect(try Self.digest(of: without) == with)
    let missing =
      "helloPackage.overrideAttrs (old: { dep = derivation { name = \"never-built\"; inherit system; builder = \"/x\"; }; })"
    let wrong = try await Self.spec(missing, ["closure": .string(file)])
    let result = try await Self.cooper(
      ["build", "shell", wrong, "-o", "/dev/null"], environment: ["PATH": "/nonexistent"])
    #expect(
      result.status == 2 && result.errors.contains("never-built.drv is not in the store; build it first"),
      "\(result.errors)")
  }

  // MARK: Refusals

  @Test(arguments: [
    ("helloPackage.overrideAttrs (_: { __structuredAttrs = true; })", "structured attributes"),
    ("derivation { name = \"x\"; system = \"x86_64-darwin\"; builder = \"/x\"; }", "“x86_64-darwin”"),
    (
      "derivation { name = \"x\"; system = \"builtin\"; builder = \"builtin:fetchurl\"; }", "builtin:fetchurl"
    ),
  ])
  func `what cannot be in an image is refused with its reason, and nothing is left`(
    derivation: String, message: String
  ) async throws {
    let place = try NixPlace.suite
    let output = place.directory.appending("refused.tar")
    let result = try await Self.cooper(["build", "shell", await Self.spec(derivation), "-o", output])
    #expect(result.status == 1 && result.errors.contains(message), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  @Test func `a file that is no derivation is refused with the place`() async throws {
    let place = try NixPlace.suite
    let file = try place.directory.write("Derive([],[],[x],", to: "wrong.drv")
    let spec = try await Self.spec("helloPackage", ["drv": .string(file)])
    let result = try await Self.cooper(["build", "shell", spec, "-o", "/dev/null"])
    #expect(
      result.status == 1
        && result.errors.contains("\(file): the derivation is not usable: at byte 14: expected"),
      "\(result.errors)")
    let none = try await Self.spec("helloPackage", ["drv": "/nix/store/none.drv"])
    #expect(try await Self.cooper(["build", "shell", none, "-o", "/dev/null"]).status == 4)
  }

  @Test func `inputs that cannot be built are told by Nix`() async throws {
    let derivation =
      "helloPackage.overrideAttrs (old: { dep = derivation { name = \"fails\"; inherit system; builder = \"/nonexistent\"; }; })"
    let result = try await Self.cooper(["build", "shell", await Self.spec(derivation), "-o", "/dev/null"])
    #expect(
      result.status == 1 && result.errors.contains("-fails.drv")
        && result.errors.contains("nix-store could not build"), "\(result.errors)")
  }
}
