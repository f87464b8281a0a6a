import Foundation
import Hashing
import TestSupport
import Testing

/// `cooper prefetch`, which is also nix-prefetch-docker (nix-dockertools.md, section 10).
@Suite struct PrefetchTests {
  /// The tag `1.0` names the image.
  private func withRegistry(_ body: (MemoryRegistry, Workplace) async throws -> Void) async throws {
    let registry = try MemoryRegistry(Sample.image)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    try await body(registry, place)
  }

  private func name(_ registry: MemoryRegistry) -> String { "127.0.0.1:\(registry.server.port)/image" }

  /// A `PATH` without Nix.
  private static let noNix = ["PATH": "/nowhere"]

  /// The variables of a Nix store of the test's own.
  private func store(_ place: Workplace) -> [String: String] {
    ["NIX_REMOTE": "local?root=\(place.home.appending("nix"))"]
  }

  private func sri(_ digest: Digest) -> String { "sha256-" + Data(digest.bytes).base64EncodedString() }

  /// What the archive with these names hashes to, as a pull writes it.
  private func pulledHash(_ registry: MemoryRegistry, _ name: String, _ tag: String) async throws -> Digest {
    let place = try Workplace()
    defer { place.remove() }
    let result = try await place.cooper([
      "pull", registry.reference, "-o", place.archivePath, "--final-image-name", name, "--final-image-tag",
      tag,
    ])
    try #require(result.status == 0, "\(result.errors)")
    // Not by our own code.
    let line = try await Program.check("sha256sum", [place.archivePath]).text
    return try Digest(parsing: "sha256:\(line.prefix(64))")
  }

  private func attributes(_ members: [(String, String)]) -> String {
    "{\n" + members.map { "  \($0) = \"\($1)\";\n" }.joined() + "}\n"
  }

  // MARK: Output

  @Test func `the output is nix-prefetch-docker's, to the letter`() async throws {
    try Program.require("nix-store", package: "nix-bin")
    try await withRegistry { registry, place in
      let name = name(registry)
      let hash = try await pulledHash(registry, name, "1.0")
      let fileName = "docker-image-127.0.0.1-\(registry.server.port)-image-1.0.tar"
      let path = try await Program.check(
        "nix-store", ["--print-fixed-path", "sha256", hash.hex, fileName], environment: store(place)
      ).text
      let result = try await place.cooper(["prefetch", name, "1.0"], environment: Self.noNix)
      #expect(result.status == 0, "\(result.errors)")
      #expect(
        String(decoding: result.output, as: UTF8.self)
          == attributes([
            ("imageName", name), ("imageDigest", "\(Sample.image.digest)"), ("hash", sri(hash)),
            ("finalImageName", name), ("finalImageTag", "1.0"),
          ]))
      let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("-> ") }.map(String.init)
      #expect(
        lines == [
          "-> ImageName: \(name)", "-> ImageDigest: \(Sample.image.digest)", "-> FinalImageName: \(name)",
          "-> FinalImageTag: 1.0", "-> ImagePath: \(path)", "-> ImageHash: \(sri(hash))",
        ])
    }
  }

  @Test func `with Nix the file is in the store, under the path that is printed`() async throws {
    try Program.require("nix-store", package: "nix-bin")
    try await withRegistry { registry, place in
      let name = name(registry)
      let hash = try await pulledHash(registry, name, "1.0")
      let without = try await place.cooper(["prefetch", name, "1.0"], environment: Self.noNix)
      let with = try await place.cooper(["prefetch", name, "1.0"], environment: store(place))
      #expect(with.status == 0, "\(with.errors)")
      #expect(with.output == without.output)
      let prefix = "-> ImagePath: "
      let line = with.errors.split(separator: "\n").first { $0.hasPrefix(prefix) }
      #expect(line != nil && without.errors.contains(line ?? "-"), "the path computed without Nix is Nix's")
      let path = String(try #require(line).dropFirst(prefix.count))
      #expect(path.hasPrefix("/nix/store/"))
      let stored = try place.home.read("nix\(path)")
      #expect(Digest(of: stored) == hash)
      try await Program.check("nix-store", ["--verify-path", path], environment: store(place))
    }
  }

  @Test func `the old spelling is base 32, as nix-hash prints it`() async throws {
    try Program.require("nix-hash", package: "nix-bin")
    try await withRegistry { registry, place in
      let name = name(registry)
      let hash = try await pulledHash(registry, name, "latest")
      let base32 = try await Program.check("nix-hash", ["--type", "sha256", "--to-base32", hash.hex]).text
      let result = try await place.cooper(["prefetch", name, "--sha256", "--quiet"], environment: Self.noNix)
      #expect(result.errors == "")
      #expect(
        String(decoding: result.output, as: UTF8.self)
          == attributes([
            ("imageName", name), ("imageDigest", "\(Sample.image.digest)"), ("sha256", base32),
            ("finalImageName", name), ("finalImageTag", "latest"),
          ]))
    }
  }

  @Test func `the attribute set is one to Nix, and the same as the JSON`() async throws {
    try Program.require("nix-instantiate", package: "nix-bin")
    try await withRegistry { registry, place in
      let arguments = [
        "prefetch", name(registry), "1.0", "--final-image-name", "a/b", "--final-image-tag", "c",
      ]
      let set = try await place.cooper(arguments, environment: Self.noNix)
      let json = try await place.cooper(arguments + ["--json"], environment: Self.noNix)
      let file = try place.directory.write(set.output, to: "set.nix")
      let evaluated = try await Program.check(
        "nix-instantiate", ["--eval", "--strict", "--json", file], environment: store(place))
      let fromNix = try JSONSerialization.jsonObject(with: Data(evaluated.output)) as? [String: String]
      let ours = try JSONSerialization.jsonObject(with: Data(json.output)) as? [String: String]
      #expect(fromNix == ours && ours?.count == 5)
      #expect(ours?["finalImageName"] == "a/b" && ours?["finalImageTag"] == "c")
      // Readers with grep rely on the order.
      let text = String(decoding: json.output, as: UTF8.self)
      let places = ["imageName", "imageDigest", "hash", "finalImageName", "finalImageTag"].map {
        text.range(of: "\"\($0)\"")?.lowerBound ?? text.startIndex
      }
      #expect(places == places.sorted() && Set(places).count == 5)
    }
  }

  // MARK: Forms

  /// Ways to say the same.
  @Test(arguments: [
    ["NAME", "1.0"], ["--image-name", "NAME", "--image-tag", "1.0"], ["NAME", "--image-tag", "1.0"],
    ["--image-name", "NAME", "1.0"], ["NAME", "1.0", "--os", "linux", "--arch", "amd64"], ["NAME:1.0"],
    ["--image-tag", "1.0", "NAME"], ["NAME:1.0@DIGEST"], ["NAME", "1.0", "--image-digest", "DIGEST"],
  ])
  func `name and tag may be given in several ways`(form: [String]) async throws {
    try await withRegistry { registry, place in
      let words = form.map {
        $0.replacingOccurrences(of: "NAME", with: name(registry))
          .replacingOccurrences(of: "DIGEST", with: "\(Sample.image.digest)")
      }
      let hash = try await pulledHash(registry, name(registry), "1.0")
      let result = try await place.cooper(["prefetch", "--quiet"] + words, environment: Self.noNix)
      #expect(
        String(decoding: result.output, as: UTF8.self)
          == attributes([
            ("imageName", name(registry)), ("imageDigest", "\(Sample.image.digest)"), ("hash", sri(hash)),
            ("finalImageName", name(registry)), ("finalImageTag", "1.0"),
          ]), "\(result.errors)")
    }
  }

  @Test func `a digest in place of a tag gives the tag latest`() async throws {
    try await withRegistry { registry, place in
      for form in [["\(Sample.image.digest)"], ["--image-digest", "\(Sample.image.digest)"]] {
        let result = try await place.cooper(["prefetch", name(registry)] + form, environment: Self.noNix)
        #expect(result.text.contains("finalImageTag = \"latest\";"), "\(result.errors)")
        #expect(result.text.contains("imageDigest = \"\(Sample.image.digest)\";"))
      }
    }
  }

  @Test func `the digest of an index is kept, and the platform decides the hash`() async throws {
    let arm = ImageSpec(
      .oci, layers: [.init(LayerBytes.tar("arm", "arm\n"), type: ImageSpec.Format.oci.plainType)])
    let index = IndexSpec(.oci, [.init(Sample.image, "linux/amd64"), .init(arm.stored, "linux/arm64")]).stored
    let registry = try MemoryRegistry(index)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    var hashes: Set<String> = []
    for architecture in ["amd64", "arm64"] {
      let result = try await place.cooper(
        ["prefetch", name(registry), "--arch", architecture, "--json"], environment: Self.noNix)
      let facts = try #require(
        try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: String])
      #expect(facts["imageDigest"] == "\(index.digest)")
      hashes.insert(facts["hash"] ?? "")
    }
    #expect(hashes.count == 2)
    let missing = try await place.cooper(
      ["prefetch", name(registry), "--arch", "riscv64"], environment: Self.noNix)
    #expect(missing.status == 4 && missing.output.isEmpty)
    #expect(missing.errors.contains("linux/arm64"))
  }

  // MARK: The other name

  @Test func `called nix-prefetch-docker the program is that program`() async throws {
    try await withRegistry { registry, place in
      let link = place.directory.appending("nix-prefetch-docker")
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: Program.builtTool)
      let environment = Self.noNix.merging(["HOME": place.home.path]) { $1 }
      let byName = try await Program.run(link, [name(registry), "1.0"], environment: environment)
      let byCommand = try await place.cooper(["prefetch", name(registry), "1.0"], environment: Self.noNix)
      #expect(byName.status == 0, "\(byName.errors)")
      #expect(byName.output == byCommand.output && !byName.output.isEmpty)
      for arguments in [["a", "b", "c"], [], ["a", "--nonsense"]] {
        let refused = try await Program.run(link, arguments, environment: environment)
        #expect(refused.status != 0 && refused.output.isEmpty && !refused.errors.isEmpty)
      }
      let help = try await Program.run(link, ["--help"], environment: environment)
      #expect(help.text.contains("--image-name"))
      // By name, found in PATH, as scripts call it.
      let found = try await Program.run(
        "/bin/sh", ["-c", "nix-prefetch-docker \"$1\" 1.0 --quiet", "sh", name(registry)],
        environment: ["HOME": place.home.path, "PATH": place.directory.path])
      #expect(found.output == byCommand.output, "\(found.errors)")
    }
  }

  // MARK: Failures

  @Test func `a layer that is wrong gives no hash`() async throws {
    let registry = try MemoryRegistry(Sample.image) { request, _, reply in
      request.path == MemoryRegistry.blobPath(Sample.firstLayer) ? .ok("wrong") : reply
    }
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let result = try await place.cooper(["prefetch", name(registry), "1.0"], environment: Self.noNix)
    #expect(result.status == 3 && result.output.isEmpty)
    let missing = try await place.cooper(
      ["prefetch", "127.0.0.1:\(registry.server.port)/other", "1.0"], environment: Self.noNix)
    #expect(missing.status == 4 && missing.output.isEmpty)
  }

  @Test func `a Nix store that fails is named`() async throws {
    try await withRegistry { registry, place in
      try await place.directory.writeProgram(
        "#!/bin/sh\necho error: the store is read-only >&2; exit 7\n", to: "bin/nix-store")
      let result = try await place.cooper(
        ["prefetch", name(registry), "1.0"],
        environment: ["PATH": "\(place.directory.path)/bin:/usr/bin:/bin", "TMPDIR": place.home.path])
      #expect(result.status == 1 && result.output.isEmpty)
      #expect(result.errors.contains("the store is read-only"), "\(result.errors)")
      #expect(try place.home.names() == [".cache"], "the temporary archive is gone")
    }
  }
}
