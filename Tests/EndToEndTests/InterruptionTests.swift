import Foundation
import Hashing
import TestSupport
import Testing

/// What Ctrl-C and its like leave behind: nothing but the cache.
@Suite struct InterruptionTests {
  enum Output: String, CaseIterable, Sendable {
    case archive, layout, layoutArchive, existingLayout
  }

  @Test(arguments: Output.allCases, [SIGINT, SIGTERM, SIGHUP])
  func `a signal in the middle of a layer leaves nothing`(output: Output, signal: Int32) async throws {
    let registry = try MemoryRegistry(Sample.image) { request, _, reply in
      request.path == MemoryRegistry.blobPath(Sample.secondLayer) ? reply.stall(after: 3000) : reply
    }
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let arguments: [String]
    var before: [String] = []
    switch output {
    case .archive: arguments = place.pullArguments(registry.reference)
    case .layout:
      arguments = ["pull", registry.reference, "-o", "oci:\(place.directory.appending("layout"))"]
    case .layoutArchive:
      arguments = [
        "pull", registry.reference, "-o", "oci-archive:\(place.directory.appending("layout.tar"))",
      ]
    case .existingLayout:
      let other = try MemoryRegistry(ImageSpec().stored)
      defer { other.stop() }
      arguments = ["pull", registry.reference, "-o", "oci:\(place.directory.appending("layout"))"]
      #expect(
        try await place.cooper(["pull", other.reference, "-o", "oci:\(place.directory.appending("layout"))"])
          .status == 0)
      before = try await files(place)
    }
    let temporary = try TemporaryDirectory()
    defer { temporary.remove() }
    let tool = try RunningProgram.cooper(
      arguments, home: place.home, environment: ["TMPDIR": temporary.path])
    defer { tool.signal(SIGKILL) }
    let deadline = ContinuousClock.now + .seconds(60)
    while registry.requests(for: Sample.secondLayer).isEmpty, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(10))
    }
    try await Task.sleep(for: .milliseconds(100))
    tool.signal(signal)
    let result = try await tool.result()
    #expect(result.status == 128 + signal, "a caller sees how it ended: \(result.errors)")
    let left = try await files(place).filter { !before.contains($0) }
    // A layout that was there before may keep a layer that was complete: nobody refers to it.
    let layer = "layout/blobs/sha256/\(Sample.firstLayer.hex) \(Sample.spec.layers[0].stored.count)"
    #expect(left == [] || output == .existingLayout && left == [layer])
    #expect(try await files(place).count == before.count + left.count)
    #expect(try temporary.names().isEmpty)
  }

  @Test(arguments: [1, 40, 90])
  func `a signal while files are unpacked leaves none of them, and nothing is said`(directory: Int)
    async throws
  {
    let place = try Workplace()
    defer { place.remove() }
    let script = """
      import io, sys, tarfile
      t = tarfile.open(sys.argv[1], 'w')
      for d in range(100):
          for f in range(300):
              i = tarfile.TarInfo(f'd{d}/f{f}'); i.size = 2000; t.addfile(i, io.BytesIO(bytes(2000)))
      t.close()
      """
    let layer = place.directory.appending("layer.tar")
    try await Program.check("python3", ["-c", script, layer])
    let base = place.directory.appending("base.tar")
    #expect(
      try await place.cooper(["append", "scratch", layer, "-o", "docker-archive:\(base):base:1"]).status == 0)
    let spec = try place.directory.write(
      #"{"name": "x", "tag": "1", "fromImage": "base.tar", "executor": "namespace", "runAsRoot": "true"}"#,
      to: "spec.json")
    let before = try await files(place)
    let temporary = try TemporaryDirectory()
    defer { temporary.remove() }
    let tool = try RunningProgram.cooper(
      ["build", "image", spec, "-o", place.directory.appending("image.tar"), "-q"], home: place.home,
      environment: ["TMPDIR": temporary.path])
    defer { tool.signal(SIGKILL) }
    let deadline = ContinuousClock.now + .seconds(60)
    func isUnpacked() throws -> Bool {
      try temporary.names().contains {
        let path = temporary.appending("\($0)/root/d\(directory)/f0")
        return FileManager.default.fileExists(atPath: path)
      }
    }
    while try !isUnpacked(), ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(1))
    }
    tool.signal(SIGINT)
    let result = try await tool.result()
    #expect(result.status == 128 + SIGINT)
    #expect(result.errors.isEmpty)
    #expect(try temporary.names() == [])
    #expect(try await files(place) == before)
  }

  @Test(arguments: [SIGINT, SIGHUP])
  func `a signal that the caller ignores is ignored`(signal: Int32) async throws {
    let registry = try MemoryRegistry(Sample.image) { request, _, reply in
      request.path == MemoryRegistry.blobPath(Sample.secondLayer) ? reply.delayed(milliseconds: 1500) : reply
    }
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let layout = "oci:\(place.directory.appending("layout"))"
    let tool = try RunningProgram(
      "bash",
      [
        "-c", "trap '' \(signal); exec \"$0\" pull \"$1\" -o \"$2\"", try Program.builtTool,
        registry.reference,
        layout,
      ], environment: ["HOME": place.home.path])
    defer { tool.signal(SIGKILL) }
    let deadline = ContinuousClock.now + .seconds(60)
    while registry.requests(for: Sample.secondLayer).isEmpty, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(10))
    }
    tool.signal(signal)
    let result = try await tool.result()
    #expect(result.status == 0, "\(result.errors)")
    #expect(place.directory.contains("layout/index.json"))
  }

  /// The names of everything in the output's directory.
  private func files(_ place: Workplace) async throws -> [String] {
    try await Program.check("find", [place.directory.path, "-type", "f", "-printf", "%P %s\n"]).text
      .split(separator: "\n").map(String.init).sorted()
  }

  @Test func `a signal in a prefetch for the Nix store leaves nothing`() async throws {
    let registry = try MemoryRegistry(Sample.image) { request, _, reply in
      request.path == MemoryRegistry.blobPath(Sample.secondLayer) ? reply.stall(after: 3000) : reply
    }
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    try Program.require("nix-store", package: "nix-bin")
    let tool = try RunningProgram.cooper(
      ["prefetch", "127.0.0.1:\(registry.server.port)/image"], home: place.home,
      environment: [
        "TMPDIR": place.directory.path, "NIX_REMOTE": "local?root=\(place.home.appending("nix"))",
      ])
    defer { tool.signal(SIGKILL) }
    let deadline = ContinuousClock.now + .seconds(60)
    while registry.requests(for: Sample.secondLayer).isEmpty, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(10))
    }
    tool.signal(SIGINT)
    #expect(try await tool.result().status == 128 + SIGINT)
    #expect(try place.directory.names().isEmpty)
  }
}
