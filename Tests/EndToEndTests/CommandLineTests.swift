import Foundation
import Hashing
import TestSupport
import Testing

/// What may be typed, and what comes back when it is wrong.
@Suite struct CommandLineTests {
  private func withRegistry(_ body: (MemoryRegistry, Workplace) async throws -> Void) async throws {
    let registry = try MemoryRegistry(Sample.image)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    try await body(registry, place)
  }

  /// `127.0.0.1:PORT/image:1`.
  private func tagged(_ registry: MemoryRegistry) -> String { "127.0.0.1:\(registry.server.port)/image:1" }

  // MARK: Pinning

  @Test func `a reference without digest is refused with the digest to pin`() async throws {
    try await withRegistry { registry, place in
      let refused = try await place.pull(tagged(registry))
      #expect(refused.status == 2 && refused.leftNothing)
      #expect(refused.errors.contains("\(tagged(registry))@\(Sample.image.digest)"), "\(refused.errors)")
      #expect(!registry.server.requests.contains { $0.path.contains("/blobs/") })
      // What the message says can be typed.
      #expect(try await place.pull("\(tagged(registry))@\(Sample.image.digest)").status == 0)
    }
  }

  @Test func `unpinned takes what the tag names`() async throws {
    try await withRegistry { registry, place in
      let outcome = try await place.pull(tagged(registry), ["--unpinned"])
      let archive = try await Sample.archive
      #expect(outcome.archive == archive, "\(outcome.errors)")
    }
  }

  @Test func `a tag beside a digest does not decide`() async throws {
    try await withRegistry { registry, place in
      let outcome = try await place.pull(
        "127.0.0.1:\(registry.server.port)/image:moved-on@\(Sample.image.digest)")
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(registry.server.requests.first?.path == "/v2/image/manifests/\(Sample.image.digest)")
    }
  }

  // MARK: Hash

  /// SHA-256 in the notations that people have.
  private static func notations(_ digest: Digest) async throws -> [String] {
    let sri = "sha256-" + Data(digest.bytes).base64EncodedString()
    try Program.require("nix-hash", package: "nix-bin")
    let base32 = try await Program.check("nix-hash", ["--type", "sha256", "--to-base32", digest.hex]).text
    return [sri, base32, digest.hex, "sha256:\(digest.hex)", "sha256:\(base32)"]
  }

  @Test func `the right hash is taken in every notation`() async throws {
    let archive = try await Sample.archive
    for text in try await Self.notations(Digest(of: archive)) {
      try await withRegistry { registry, place in
        let outcome = try await place.pull(registry.reference, ["--hash", text])
        #expect(outcome.archive == archive, "\(text): \(outcome.errors)")
      }
    }
  }

  @Test func `a wrong hash is refused with both hashes, and leaves nothing`() async throws {
    let found = "sha256-" + Data(Digest(of: try await Sample.archive).bytes).base64EncodedString()
    let wrong = Digest(of: Array("something else".utf8))
    for text in try await Self.notations(wrong) {
      try await withRegistry { registry, place in
        let outcome = try await place.pull(registry.reference, ["--hash", text])
        #expect(outcome.status == 3 && outcome.leftNothing)
        #expect(outcome.errors.contains(found))
        #expect(outcome.errors.contains("sha256-" + Data(wrong.bytes).base64EncodedString()))
        #expect(!outcome.errors.contains("--era"))
      }
    }
  }

  @Test(arguments: [(1, 3), (2, 3), (3, 1), (3, 2)])
  func `the hash of another era is recognised`(pinned: Int, asked: Int) async throws {
    try await withRegistry { registry, place in
      let other = try await place.pull(registry.reference, ["--era", "\(pinned)"])
      let hash = Digest(of: try #require(other.archive)).hex
      try FileManager.default.removeItem(atPath: place.archivePath)
      let outcome = try await place.pull(registry.reference, ["--era", "\(asked)", "--hash", hash])
      #expect(outcome.status == 3 && outcome.leftNothing)
      #expect(outcome.errors.contains("--era \(pinned)"), "\(outcome.errors)")
      let followed = try await place.pull(registry.reference, ["--era", "\(pinned)", "--hash", hash])
      #expect(followed.status == 0, "the advice works: \(followed.errors)")
    }
  }

  @Test(arguments: [
    "", "abc", "sha256-", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha512-AAAA", "sha256-AAAA", "zz",
  ])
  func `a hash that is none is wrong usage, before anything is asked`(hash: String) async throws {
    try await withRegistry { registry, place in
      let outcome = try await place.pull(registry.reference, ["--hash", hash])
      #expect(outcome.status == 2 && outcome.leftNothing, "\(outcome.errors)")
      #expect(outcome.errors.contains("hash"))
      #expect(registry.server.requests.isEmpty)
    }
  }

  @Test func `a hash for a layout is wrong usage, before anything is asked`() async throws {
    try await withRegistry { registry, place in
      let result = try await place.cooper([
        "pull", registry.reference, "-o", "oci:\(place.directory.appending("layout"))", "--hash",
        Digest(of: [1]).hex,
      ])
      #expect(result.status == 2)
      #expect(try place.directory.names().isEmpty)
      #expect(registry.server.requests.isEmpty)
    }
  }

  // MARK: Wrong usage

  private static let reference = "127.0.0.1:1/image@\(Sample.image.digest)"

  @Test(arguments: [
    ["pull"], ["pull", reference], ["pull", "-o", "x"], ["pull", reference, "-o", "x", "--nonsense"],
    ["pull", reference, "extra", "-o", "x"], ["pull", reference, "-o", "x", "--era", "4"],
    ["pull", reference, "-o", "x", "--era", "new"], ["pull", reference, "-o", "x", "--format", "zip"],
    ["pull", reference, "-o", "x", "--tls-verify=perhaps"], ["pull", reference, "-o", "x", "--retry", "-1"],
    ["pull", reference, "-o", "docker://127.0.0.1:1/y"],
    ["pull", reference, "-o", "oci:x", "--format", "oci-archive"],
    ["pull", reference, "-o", "-", "--json"], ["pull", reference, "-o", "-", "--format", "oci"],
    ["pull", reference, "-o", "docker-archive:x:n:t", "--final-image-name", "m"],
    ["pull", reference, "-o", "x", "--final-image-name", reference], ["pull", "oci:layout", "-o", "x"],
    ["pull", "UPPER/case@\(Sample.image.digest)", "-o", "x"], ["pull", "image@sha256:12", "-o", "x"],
    ["pull", "image@md5:d41d8cd98f00b204e9800998ecf8427e", "-o", "x"], ["pull", "", "-o", "x"],
    ["nonsense"], ["--nonsense"], ["inspect"], ["inspect", "a b"], ["digest"], ["tags"], ["manifest"],
    ["config"],
    ["prefetch"], ["prefetch", "--image-name"], ["prefetch", "a", "b", "c"], ["prefetch", "a", "--nonsense"],
    ["prefetch", "UPPER"], ["prefetch", "a", "b:c"],
  ])
  func `wrong usage ends with status 2 and a word, and asks nobody`(arguments: [String]) async throws {
    let place = try Workplace()
    defer { place.remove() }
    let result = try await Program.run(
      Program.builtTool, arguments, environment: ["HOME": place.home.path],
      workingDirectory: place.directory.path)
    #expect(result.status == 2, "\(result.errors)")
    #expect(!result.errors.isEmpty && result.output.isEmpty)
    #expect(!result.errors.contains("connect"))
    #expect(try place.directory.names().isEmpty)
  }

  @Test(arguments: [
    [], ["--help"], ["pull", "--help"], ["prefetch", "--help"], ["inspect", "--help"], ["digest", "--help"],
    ["tags", "--help"], ["manifest", "--help"], ["config", "--help"], ["login", "--help"],
    ["logout", "--help"],
  ])
  func `help is printed on standard output, with an example for each command`(arguments: [String])
    async throws
  {
    let place = try Workplace()
    defer { place.remove() }
    let result = try await place.cooper(arguments)
    #expect(result.status == 0 && result.errors.isEmpty)
    #expect(result.text.contains("USAGE"))
    #expect(arguments.count < 2 || result.text.lowercased().contains("example"))
    #expect(!result.text.contains("--stall-seconds"), "it is for tests")
  }

  // MARK: Start

  @Test func `the version is printed without loading libcurl`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let version = try await place.cooper(["--version"], environment: ["LD_DEBUG": "libs"])
    #expect(version.status == 0)
    #expect(version.text.wholeMatch(of: /\d+\.\d+\.\d+/) != nil)
    #expect(version.errors.contains("libc.so"), "the loader tells what it loads")
    #expect(!version.errors.contains("libcurl"))
    let network = try await place.cooper(
      ["digest", Self.reference, "--retry", "0"], environment: ["LD_DEBUG": "libs"])
    #expect(network.errors.contains("libcurl"), "and would have told of this one")
    let linked = try await Program.check("ldd", [Program.builtTool])
    #expect(!linked.text.contains("libcurl"))
  }
}
