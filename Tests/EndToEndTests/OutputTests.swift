import Foundation
import Hashing
import TestSupport
import Testing

/// Where results go, and what is left there when something goes wrong.
@Suite struct OutputTests {
  private func withRegistry(
    _ fault: @escaping MemoryRegistry.Fault, _ body: (MemoryRegistry, Workplace) async throws -> Void
  ) async throws {
    let registry = try MemoryRegistry(Sample.image, fault)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    try await body(registry, place)
  }

  private func withRegistry(_ body: (MemoryRegistry, Workplace) async throws -> Void) async throws {
    try await withRegistry({ $2 }, body)
  }

  /// Runs a script of bash with the tool as `$cooper`, the reference as `$1` and the directory as working directory.
  private func bash(_ script: String, _ registry: MemoryRegistry, _ place: Workplace) async throws
    -> Program.Result
  {
    try await Program.run(
      "bash", ["-c", script, "bash", registry.reference],
      environment: [
        "cooper": Program.builtTool, "HOME": place.home.path,
        "XDG_CACHE_HOME": place.home.appending(".cache"),
      ], workingDirectory: place.directory.path)
  }

  private static let wrongLayer: MemoryRegistry.Fault = { request, _, reply in
    request.path == MemoryRegistry.blobPath(Sample.secondLayer) ? .ok("wrong") : reply
  }

  // MARK: Files

  @Test func `an existing file stays when the pull fails and is replaced when it succeeds`() async throws {
    try await withRegistry(Self.wrongLayer) { registry, place in
      try place.directory.write("old", to: "out.tar")
      let outcome = try await place.pull(registry.reference)
      #expect(outcome.status == 3)
      #expect(outcome.archive == Array("old".utf8) && outcome.others.isEmpty)
    }
    try await withRegistry { registry, place in
      try place.directory.write("old", to: "out.tar")
      let outcome = try await place.pull(registry.reference)
      let archive = try await Sample.archive
      #expect(outcome.archive == archive && outcome.others.isEmpty, "\(outcome.errors)")
    }
  }

  @Test func `a new file has the permissions that the mask leaves`() async throws {
    try await withRegistry { registry, place in
      let result = try await bash(
        "umask 027; \"$cooper\" pull \"$1\" -o out.tar && stat -c %a out.tar", registry, place)
      #expect(result.text == "640", "\(result.errors)")
    }
  }

  @Test(arguments: [
    ("missing/out.tar", 1, "missing"), ("/proc/out.tar", 1, "/proc"), ("file/out.tar", 1, "file"),
    ("docker-archive:here", 2, "directory"), ("oci-archive:here", 2, "directory"), ("oci:file", 1, "file"),
    ("oci:full", 1, "full"), ("oci:missing/layout", 1, "missing"), ("full", 1, "full"),
  ])
  func `an output that cannot be made is named, and no layer is fetched for it`(
    output: String, status: Int32, word: String
  ) async throws {
    try await withRegistry { registry, place in
      try place.directory.write("a file", to: "file")
      try place.directory.write("something", to: "full/something")
      try FileManager.default.createDirectory(
        atPath: place.directory.appending("here"), withIntermediateDirectories: true)
      let result = try await bash("\"$cooper\" pull \"$1\" -o '\(output)'", registry, place)
      #expect(result.status == status, "\(result.errors)")
      #expect(result.errors.contains(word), "\(result.errors)")
      #expect(try place.directory.names() == ["file", "full", "here"])
      #expect(try place.directory.read("file") == Array("a file".utf8))
      #expect(registry.requests(for: Sample.secondLayer).isEmpty)
    }
  }

  // MARK: Streams

  @Test func `standard output and a named pipe get the bytes that a file gets`() async throws {
    try await withRegistry { registry, place in
      let names = "--final-image-name final --final-image-tag 1"
      let result = try await bash(
        """
        "$cooper" pull "$1" -o - \(names) | cat > piped.tar; status=${PIPESTATUS[0]}
        mkfifo pipe; cat pipe > named.tar & "$cooper" pull "$1" -o pipe \(names) || status=1; wait
        "$cooper" pull "$1" -o - \(names) > redirected.tar || status=1
        exit $status
        """, registry, place)
      #expect(result.status == 0, "\(result.errors)")
      let archive = try await Sample.archive
      for name in ["piped.tar", "named.tar", "redirected.tar"] {
        let bytes = try place.directory.read(name)
        #expect(bytes == archive, "\(name)")
      }
    }
  }

  @Test func `a stream of a wrong image ends with status 3`() async throws {
    try await withRegistry(Self.wrongLayer) { registry, place in
      let result = try await bash(
        "\"$cooper\" pull \"$1\" -o - | cat > out; exit ${PIPESTATUS[0]}", registry, place)
      #expect(result.status == 3, "\(result.errors)")
    }
  }

  @Test(arguments: [
    "pull \"$1\" -o -", "pull \"$1\" -o /dev/stdout", "pull \"$1\" -o - --format oci-archive",
    "manifest \"$1\"",
    "config \"$1\"", "inspect \"$1\"", "inspect --json \"$1\"", "digest \"$1\"", "digest --json \"$1\"",
    "--version",
    "--help",
  ])
  func `a full disk under standard output is a failure with a message`(arguments: String) async throws {
    try await withRegistry { registry, place in
      let result = try await bash("\"$cooper\" \(arguments) > /dev/full", registry, place)
      #expect(result.status == 1, "\(result.errors)")
      #expect(result.errors.contains("No space left"), "\(result.errors)")
    }
  }

  @Test func `a full device as output is a failure with a message`() async throws {
    try await withRegistry { registry, place in
      let result = try await bash("\"$cooper\" pull \"$1\" -o /dev/full", registry, place)
      #expect(result.status == 1)
      #expect(result.errors.contains("/dev/full") || result.errors.contains("No space left"))
    }
  }

  @Test(arguments: ["pull \"$1\" -o -", "pull \"$1\" -o - --format oci-archive"])
  func `a reader that goes away ends the pull with a message`(arguments: String) async throws {
    let spec = Sample.large(byteCount: 4 << 20, seed: 3)
    let registry = try MemoryRegistry(spec.stored)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let result = try await bash(
      "\"$cooper\" \(arguments) | head -c 1000 > /dev/null; exit ${PIPESTATUS[0]}", registry, place)
    #expect(result.status == 1, "\(result.errors)")
    #expect(result.errors.contains("Broken pipe"), "\(result.errors)")
  }

  @Test func `closed standard streams do not put messages into files`() async throws {
    try await withRegistry { registry, place in
      let result = try await bash(
        "\"$cooper\" pull \"$1\" -o out.tar --final-image-name final --final-image-tag 1 0<&- 1>&- 2>&-",
        registry, place)
      #expect(result.status == 0)
      let archive = try await Sample.archive
      #expect(try place.directory.read("out.tar") == archive)
    }
  }

  // MARK: Layouts

  @Test func `a layout holds what skopeo copies into one`() async throws {
    try await withRegistry { registry, place in
      try Program.require("skopeo", package: "skopeo")
      let layout = place.directory.appending("layout")
      let result = try await place.cooper(["pull", registry.reference, "-o", "oci:\(layout):1"])
      #expect(result.status == 0, "\(result.errors)")
      // skopeo reads ours, and finds the image to be the same.
      let digest = try await Program.check(
        "skopeo", ["inspect", "--format", "{{.Digest}}", "oci:\(layout):1"],
        environment: ["HOME": place.home.path])
      #expect(digest.text == "\(Sample.image.digest)")
      let archive = try await place.cooper(
        ["pull", registry.reference, "-o", "oci-archive:\(place.directory.appending("layout.tar")):1"])
      #expect(archive.status == 0, "\(archive.errors)")
      let digestInTar = try await Program.check(
        "skopeo",
        ["inspect", "--format", "{{.Digest}}", "oci-archive:\(place.directory.appending("layout.tar")):1"],
        environment: ["HOME": place.home.path])
      #expect(digestInTar.text == "\(Sample.image.digest)")
    }
  }

  @Test func `a failed pull leaves an existing layout as it was, and no new one`() async throws {
    try await withRegistry(Self.wrongLayer) { registry, place in
      let good = try MemoryRegistry(ImageSpec().stored)
      defer { good.stop() }
      let layout = place.directory.appending("layout")
      #expect(try await place.cooper(["pull", good.reference, "-o", "oci:\(layout)"]).status == 0)
      let before = try await Program.check("find", [layout, "-printf", "%P %s\n"]).text
      #expect(try await place.cooper(["pull", registry.reference, "-o", "oci:\(layout)"]).status == 3)
      let after = try await Program.check("find", [layout, "-printf", "%P %s\n"]).text
      #expect(Set(before.split(separator: "\n")) == Set(after.split(separator: "\n")))
      #expect(
        try await place.cooper(["pull", registry.reference, "-o", "oci:\(layout)-new"]).status == 3)
      #expect(try place.directory.names() == ["layout"])
    }
  }

  // MARK: Messages

  @Test func `quiet is quiet, and errors are still told`() async throws {
    try await withRegistry { registry, place in
      let outcome = try await place.pull(registry.reference, ["--quiet"])
      #expect(outcome.errors == "")
    }
    try await withRegistry(Self.wrongLayer) { registry, place in
      let outcome = try await place.pull(registry.reference, ["--quiet"])
      #expect(outcome.errors.contains("layer 2"))
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    }
  }

  @Test func `without a terminal there are plain lines`() async throws {
    try await withRegistry { registry, place in
      let outcome = try await place.pull(registry.reference)
      #expect(outcome.errors.contains("layer 1 of 2") && outcome.errors.contains("layer 2 of 2"))
      #expect(!outcome.errors.contains("\u{1b}") && !outcome.errors.contains("\r"))
    }
  }

  // MARK: JSON

  private func object(_ result: Program.Result) throws -> [String: Any] {
    #expect(result.status == 0, "\(result.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any])
  }

  @Test func `facts as JSON can be read by programs`() async throws {
    try await withRegistry({ request, _, reply in
      request.path == "/v2/image/tags/list" ? .ok(#"{"name":"image","tags":["b","a"]}"#) : reply
    }) { registry, place in
      let digest = "\(Sample.image.digest)"
      let pull = try object(await place.cooper(place.pullArguments(registry.reference, ["--json"])))
      #expect(pull["imageDigest"] as? String == digest && pull["finalImageTag"] as? String == "1")
      #expect((pull["diffIDs"] as? [String])?.count == 2)
      #expect(pull["bytes"] as? Int == (try place.directory.read("out.tar")).count)
      let inspect = try object(await place.cooper(["inspect", "--json", registry.reference]))
      #expect(inspect["digest"] as? String == digest && (inspect["layers"] as? [Any])?.count == 2)
      let found = try object(await place.cooper(["digest", "--json", registry.reference]))
      #expect(found["digest"] as? String == digest)
      let name = "127.0.0.1:\(registry.server.port)/image"
      let tags = try object(await place.cooper(["tags", "--json", name]))
      #expect(tags["tags"] as? [String] == ["a", "b"])
      #expect(try await place.cooper(["tags", name]).text == "a\nb")
    }
  }

  @Test func `a manifest and a config come byte for byte`() async throws {
    try await withRegistry { registry, place in
      let manifest = try await place.cooper(["manifest", registry.reference])
      #expect(manifest.output == Sample.spec.manifest)
      let config = try await place.cooper(["config", registry.reference])
      #expect(config.output == Sample.spec.config)
      let digest = try await place.cooper(["digest", registry.reference])
      #expect(digest.text == "\(Sample.image.digest)")
    }
  }
}
