import Hashing
import OrderedJSON
import TestSupport
import Testing

/// `cooper copy` from a registry into an OCI layout, against skopeo and umoci's view of the result.
@Suite struct CopyTests {
  /// An index of two platforms, pushed to a registry of its own.
  private static func withIndex(
    _ format: ImageSpec.Format = .oci,
    _ body: (_ reference: String, _ place: Workplace, _ index: StoredImage) async throws -> Void
  ) async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let shared = try await LayerBytes.gzip(LayerBytes.tar("shared", "both have this"))
    func image(_ name: String) async throws -> StoredImage {
      let own = try await LayerBytes.gzip(LayerBytes.tar(name, "only \(name)"))
      return ImageSpec(format, layers: [.init(shared), .init(own)]).stored
    }
    let index = IndexSpec(
      format,
      [
        .init(try await image("amd64"), "linux/amd64"), .init(try await image("arm64"), "linux/arm64/v8"),
      ]
    ).stored
    let reference = try index.push(to: registry, repository: "both", tag: "1")
    try await body(reference, place, index)
  }

  private static func inspect(_ place: Workplace, _ layout: String, architecture: String) async throws
    -> JSONValue
  {
    try Program.require("skopeo", package: "skopeo")
    let result = try await Program.check(
      "skopeo",
      ["--override-arch", architecture, "inspect", "--raw", "oci:\(place.directory.appending(layout))"])
    return try JSONValue(parsing: result.output)
  }

  @Test(arguments: [ImageSpec.Format.oci, .docker])
  func `all of an index keeps its bytes`(format: ImageSpec.Format) async throws {
    try await Self.withIndex(format) { reference, place, index in
      let layout = place.directory.appending("layout")
      let result = try await place.cooper(["copy", reference, "oci:\(layout):1", "--all", "--json"])
      #expect(result.status == 0, "\(result.errors)")
      #expect(try JSONValue(parsing: result.output)["digest"]?.string == index.digest.description)
      for (digest, bytes) in index.manifests.merging(index.blobs, uniquingKeysWith: { $1 }) {
        #expect(try place.directory.read("layout/blobs/sha256/\(digest.hex)") == bytes)
      }
      #expect(try place.cachedNames() == [])
    }
  }

  @Test func `one platform is what is chosen, and a second copy adds to the layout`() async throws {
    try await Self.withIndex { reference, place, index in
      let layout = place.directory.appending("layout")
      for architecture in ["amd64", "arm64"] {
        let result = try await place.cooper([
          "copy", reference, "oci:\(layout):\(architecture)", "--arch", architecture,
        ])
        #expect(result.status == 0, "\(result.errors)")
      }
      let entries =
        try JSONValue(parsing: place.directory.read("layout/index.json"))["manifests"]?.array ?? []
      #expect(entries.count == 2)
      // The index itself is not there, and the shared layer is there once: two manifests, two configs at most, three layers.
      #expect(!place.directory.contains("layout/blobs/sha256/\(index.digest.hex)"))
    }
  }

  @Test(arguments: [
    ("gz", "application/vnd.oci.image.layer.v1.tar+gzip"),
    ("zstd", "application/vnd.oci.image.layer.v1.tar+zstd"),
    ("none", "application/vnd.oci.image.layer.v1.tar"),
  ])
  func `layers get the compression asked for, and Docker's manifests become OCI's`(
    compression: String, type: String
  )
    async throws
  {
    try await Self.withIndex(.docker) { reference, place, _ in
      let layout = place.directory.appending("layout")
      let result = try await place.cooper([
        "copy", reference, "oci:\(layout)", "--arch", "amd64", "--format", "oci", "--layer-compression",
        compression,
      ])
      #expect(result.status == 0, "\(result.errors)")
      let manifest = try await Self.inspect(place, "layout", architecture: "amd64")
      #expect(manifest["mediaType"]?.string == "application/vnd.oci.image.manifest.v1+json")
      #expect(manifest["layers"]?.array?.map { $0["mediaType"]?.string } == [type, type])
      // Another program reads every blob and checks it.
      if compression != "zstd" {
        _ = try await Program.check(
          "skopeo", ["copy", "oci:\(layout)", "docker-archive:\(place.directory.appending("x.tar")):x:1"],
          environment: ["HOME": place.home.path])
      }
    }
  }

  @Test func `zstd has no type in Docker's manifests`() async throws {
    try await Self.withIndex(.docker) { reference, place, _ in
      let layout = place.directory.appending("layout")
      let result = try await place.cooper(
        ["copy", reference, "oci:\(layout)", "--arch", "amd64", "--layer-compression", "zstd"])
      #expect(result.status == 1)
      #expect(result.errors.contains("zstd"))
      #expect(!place.directory.contains("layout"))
      #expect(try place.directory.names() == [])
    }
  }

  @Test func `the same copy twice gives the same bytes`() async throws {
    try await Self.withIndex { reference, place, _ in
      var digests: [String?] = []
      for name in ["a", "b"] {
        let result = try await place.cooper([
          "copy", reference, "oci:\(place.directory.appending(name))", "--all", "--layer-compression", "zstd",
          "--json",
        ])
        #expect(result.status == 0, "\(result.errors)")
        digests.append(try JSONValue(parsing: result.output)["digest"]?.string)
      }
      #expect(digests[0] != nil && digests[0] == digests[1])
      #expect(
        try place.directory.read("a/index.json") == place.directory.read("b/index.json"))
    }
  }
}
