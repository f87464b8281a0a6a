import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// Builds and images that move between Nix stores, as between machines: nothing of that is Cooper's own.
@Suite(WithNixStore(), .serialized) struct NixDistributionTests {
  /// An image whose build runs scripts, so that every kind of step is there.
  private static func image(_ name: String) -> String {
    """
    dockerTools.buildLayeredImage {
      name = "\(name)"; contents = [ hello ]; extraCommands = "echo \(name) > file"; fakeRootCommands = "chown 7 file";
    }
    """
  }

  private static func digest(of path: String) throws -> Digest {
    Digest(of: [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
  }

  @Test func `every step of a build goes to a remote builder, and gives the bytes of a local one`()
    async throws
  {
    let place = try NixPlace.suite
    // To Nix any store can be a builder; what it builds goes there and back, as through ssh.
    let builder = place.directory.appending("builder")
    _ = try await place.build("[ hello bash coreutils ]")
    let options = ["--builders", "\(builder) x86_64-linux - 1 1", "--max-jobs", "0"]
    let result = try await place.tryToBuild(Self.image("distributed"), options)
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("building '/nix/store/") }
    for step in ["base.json", "customisation-layer", "conf.json"] {
      #expect(
        lines.contains { $0.contains("-distributed-\(step).drv' on '\(builder)'") },
        "\(step): \(result.errors)")
    }
    #expect(lines.contains { $0.contains("-distributed.tar.gz.drv' on '\(builder)'") }, "\(result.errors)")
    let again = try await place.tryToBuild(Self.image("distributed"), ["--check"])
    #expect(again.status == 0, "\(again.errors)")
  }

  @Test func `a derivation that is copied to another store is built there, and its result is taken back`()
    async throws
  {
    let place = try NixPlace.suite
    let other = place.directory.appending("builds")
    let expression = Self.image("moved")
    let derivation = try #require(try await place.evaluate("(\(expression)).drvPath").string)
    func nix(_ words: [String], in store: String? = nil) async throws -> Program.Result {
      let result = try await place.nix(
        words[0], Array(words.dropFirst()), environment: store.map { ["NIX_REMOTE": $0] } ?? [:])
      try #require(result.status == 0, "\(words): \(result.errors)")
      return result
    }
    _ = try await nix(["nix", "copy", "--no-check-sigs", "--derivation", "--to", other, derivation])
    let built = try await nix(["nix-store", "--realise", derivation], in: other).text
    #expect(!FileManager.default.fileExists(atPath: place.store + built), "it is not built here yet")
    _ = try await nix(["nix", "copy", "--no-check-sigs", "--from", other, built])
    // What comes from elsewhere is the result: nothing is left to do.
    let result = try await place.tryToBuild(expression)
    #expect(result.text == built && !result.errors.contains("building '"), "\(result.errors)")
    #expect(try Self.digest(of: place.store + built) == Self.digest(of: other + built))
    #expect(try await place.repoTags(of: place.store + built).first?.hasPrefix("moved:") == true)
  }

  @Test func `a closure that is copied to another store is all that an image needs there`() async throws {
    let place = try NixPlace.suite
    let stream = try await place.build(#"dockerTools.streamLayeredImage { name = "x"; contents = hello; }"#)
    let other = place.directory.appending("other-store")
    let path = String(stream.dropFirst(place.store.count))
    let copied = try await place.nix("nix", ["copy", "--no-check-sigs", "--to", other, path])
    #expect(copied.status == 0, "\(copied.errors)")
    // Through the program in that store, as the script's first line has it, with nothing outside of it.
    let script = #"mkdir -p "$1/proc"; mount --rbind /proc "$1/proc"; exec chroot "$1" "$2""#
    let streamed = try await Program.check(
      "unshare", ["--map-root-user", "--mount", "/bin/sh", "-ec", script, "sh", other, path])
    #expect(try await Digest(of: streamed.output) == Digest(of: place.stream(stream)))
  }
}
