import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// `cooper serve`, with docker, podman, skopeo, curl and cooper itself as its clients.
@Suite(WithDockerDaemon(), .serialized) struct ServeTests {
  private static let testdata =
    "oci:" + #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/testdata/image:1.35"

  /// Serves a location and calls `body` with the address, then ends the server by SIGTERM.
  private static func serving(
    _ location: String, _ engines: Engines, _ body: (_ address: String) async throws -> Void
  ) async throws {
    let server = try RunningProgram.cooper(["serve", location], home: engines.place.home)
    defer { server.signal(SIGKILL) }
    for _ in 0..<1000 where !server.outputText.contains("\n") { try await Task.sleep(for: .milliseconds(10)) }
    let address = server.outputText.trimmingCharacters(in: .whitespacesAndNewlines)
    try #require(address.hasPrefix("127.0.0.1:"), "\(server.errorText)")
    try await body(address)
    server.signal(SIGTERM)
    let result = try await server.result(timeout: .seconds(20))
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.text == address)
  }

  private static func withEngines(_ body: (Engines) async throws -> Void) async throws {
    let place = try Workplace()
    defer { place.remove() }
    try await body(Engines(place: place))
  }

  private static func curl(_ arguments: [String]) async throws -> (head: String, body: [UInt8]) {
    try Program.require("curl", package: "curl")
    let output = try await Program.check("curl", ["--silent", "--include"] + arguments).output
    let end = try #require(output.firstRange(of: Array("\r\n\r\n".utf8)))
    return (String(decoding: output[..<end.lowerBound], as: UTF8.self), Array(output[end.upperBound...]))
  }

  @Test func `a layout: every client gets every byte, and docker runs it`() async throws {
    try await Self.withEngines { engines in
      try await engines.cooper(["copy", Self.testdata, "oci:\(engines.path("layout")):1", "--all"])
      let digest = try await engines.digestBySkopeo(Self.testdata)
      try await Self.serving("oci:\(engines.path("layout"))", engines) { address in
        let reference = "\(address)/layout:1"
        #expect(try await engines.cooper(["digest", reference]).text == digest)
        #expect(try await engines.cooper(["verify", reference]).text.contains("2 images, 4 layers"))
        #expect(try await engines.cooper(["tags", "\(address)/layout"]).text == "1")
        try await engines.cooper(["copy", reference, "oci:\(engines.path("copy")):1", "--all"])
        try await engines.skopeo([
          "copy", "--all", "--src-tls-verify=false", "docker://\(reference)",
          "oci:\(engines.path("skopeo")):1",
        ])
        #expect(try await engines.digestBySkopeo("oci:\(engines.path("copy")):1") == digest)
        #expect(try await engines.digestBySkopeo("oci:\(engines.path("skopeo")):1") == digest)
        try await Engines.docker.docker(["pull", "--quiet", reference])
        let run = ["run", "--rm", "--network", "none", reference, "/bin/busybox", "echo", "served"]
        #expect(try await Engines.docker.docker(run).text == "served")
        try await engines.podman(["pull", "--quiet", "--tls-verify=false", "\(address)/layout@\(digest)"])
      }
    }
  }

  @Test(arguments: ["", "xz"])
  func `a docker-archive, also when it is compressed: docker, podman and cooper pull it`(program: String)
    async throws
  {
    try await Self.withEngines { engines in
      var archive = engines.path("image.tar")
      try await engines.cooper([
        "copy", Self.testdata, "docker-archive:\(archive):team/app:7", "--arch", "amd64",
      ])
      if !program.isEmpty {
        try await Program.check(program, ["-k", archive])
        archive += ".xz"
      }
      let diffIDs = try await engines.diffIDs(Self.testdata)
      try await Self.serving(archive, engines) { address in
        let reference = "\(address)/team/app:7"
        #expect(try await engines.diffIDs(reference) == diffIDs)
        #expect(try await engines.cooper(["verify", reference]).text.contains("1 image, 2 layers"))
        try await Engines.docker.docker(["pull", "--quiet", reference])
        try await engines.podman(["pull", "--quiet", "--tls-verify=false", reference])
        #expect(try await engines.podmanRun(reference, ["/bin/busybox", "echo", "served"]) == "served")
      }
    }
  }

  @Test func `heads, ranges, errors and methods are those of the specification`() async throws {
    try await Self.withEngines { engines in
      let archive = engines.path("image.tar")
      try await engines.cooper(["copy", Self.testdata, "oci-archive:\(archive):1", "--arch", "amd64"])
      let facts = try await engines.facts("oci-archive:\(archive)")
      let layer = try #require(facts["layers"]?.array?.first)
      let (digest, size) = (try #require(layer["digest"]?.string), try #require(layer["size"]?.int))
      try await Self.serving(archive, engines) { address in
        let url = "http://\(address)/v2/image/blobs/\(digest)"
        let whole = try await Self.curl([url])
        #expect(Digest(of: whole.body).description == digest)
        let head = try await Self.curl(["--head", url])
        #expect(head.head.lowercased().contains("content-length: \(size)") && head.body.isEmpty)
        for (range, expected) in [
          ("0-9", 0..<10), ("100-", 100..<Int(size)), ("-5", Int(size) - 5..<Int(size)),
        ] {
          let part = try await Self.curl(["--range", range, url])
          #expect(part.head.hasPrefix("HTTP/1.1 206"))
          #expect(part.body == Array(whole.body[expected]))
        }
        #expect(try await Self.curl(["--range", "\(size)-", url]).head.hasPrefix("HTTP/1.1 416"))
        let push = try await Self.curl(["--data-binary", "x", "http://\(address)/v2/image/blobs/uploads/"])
        #expect(push.head.hasPrefix("HTTP/1.1 405"))
        #expect(try JSONValue(parsing: push.body)["errors"]?.array?.first?["code"]?.string == "UNSUPPORTED")
        let tried = try await engines.place.cooper(["push", archive, "\(address)/image:2"])
        #expect(tried.status == 1, "\(tried.errors)")
        let missing = try await engines.place.cooper(["digest", "\(address)/image:no"])
        #expect(missing.status == 4)
      }
    }
  }

  @Test func `a damaged blob is not taken for a good one, and a missing one is not there`() async throws {
    try await Self.withEngines { engines in
      let layout = engines.path("layout")
      try await engines.cooper(["copy", Self.testdata, "oci:\(layout):1", "--arch", "amd64"])
      let layers = try #require(
        await engines.facts("oci:\(layout)")["layers"]?.array?.compactMap { $0["digest"]?.string })
      try await Self.serving("oci:\(layout)", engines) { address in
        let name = "layout/blobs/sha256/\(layers[0].dropFirst("sha256:".count))"
        var bytes = try engines.place.directory.read(name)
        bytes[100] ^= 1
        try engines.place.directory.write(bytes, to: name)
        let out = engines.path("out.tar")
        let damaged = try await engines.place.cooper([
          "copy", "\(address)/layout:1", "docker-archive:\(out):x:1",
        ])
        #expect(damaged.status == 3, "\(damaged.errors)")
        #expect(!engines.place.directory.contains("out.tar"))
        try FileManager.default.removeItem(atPath: engines.path(name))
        let answer = try await Self.curl(["http://\(address)/v2/layout/blobs/\(layers[0])"])
        #expect(answer.head.hasPrefix("HTTP/1.1 404"))
      }
    }
  }

  @Test(arguments: [
    (["0.0.0.0:0"], "only this machine"), (["127.0.0.1"], "HOST:PORT"),
    (["192.0.2.1:1"], "only this machine"),
  ])
  func `only this machine is served`(listen: [String], text: String) async throws {
    try await Self.withEngines { engines in
      let result = try await engines.place.cooper(["serve", Self.testdata, "--listen"] + listen)
      #expect(result.status == 2)
      #expect(result.errors.contains(text), "\(result.errors)")
    }
  }
}
