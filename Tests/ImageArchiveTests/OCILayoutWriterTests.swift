import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import OrderedJSON
import SystemPackage
import Testing
import TestSupport

@Suite struct OCILayoutWriterTests {
  private static func add(_ image: Image, to path: String, name: String?) throws {
    let layout = try OCILayoutWriter(at: FilePath(path))
    try layout.add(image.config, digest: image.manifest.value.config.digest)
    try layout.add(image.manifest.bytes, digest: image.manifest.digest)
    try layout.commit(
      Descriptor(
        mediaType: .ociManifest, digest: image.manifest.digest, byteCount: Int64(image.manifest.bytes.count)),
      name: name)
  }

  private static func image(_ number: Int) -> Image {
    Image(stored: [], diffIDs: [Digest(of: Array("\(number)".utf8))])
  }

  private static func names(in directory: TemporaryDirectory, _ layout: String) throws -> [String] {
    let index = try JSONValue(parsing: directory.read("\(layout)/index.json"))
    return (index["manifests"]?.array ?? []).compactMap {
      $0["annotations"]?["org.opencontainers.image.ref.name"]?.string
    }
  }

  @Test func `a new layout is one that skopeo reads`() async throws {
    try Program.require("skopeo", package: "skopeo")
    let directory = try TemporaryDirectory()
    try Self.add(Self.image(1), to: directory.appending("layout"), name: "one")
    let inspected = try await Program.check(
      "skopeo", ["inspect", "oci:\(directory.appending("layout")):one"])
    #expect(inspected.text.contains(Self.image(1).manifest.digest.description))
    #expect(try directory.names() == ["layout"])
  }

  @Test func `entries of other names stay, one of the same name is replaced`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.appending("layout")
    try Self.add(Self.image(1), to: path, name: "a")
    try Self.add(Self.image(2), to: path, name: "b")
    try Self.add(Self.image(3), to: path, name: "a")
    #expect(try Self.names(in: directory, "layout") == ["b", "a"])
  }

  @Test func `what is not committed leaves nothing`() throws {
    let directory = try TemporaryDirectory()
    do {
      let layout = try OCILayoutWriter(at: FilePath(directory.appending("new")))
      try layout.add(Self.image(1).config, digest: Digest(of: Self.image(1).config))
    }
    #expect(try directory.names() == [])
  }

  @Test func `a directory with something else is refused`() throws {
    let directory = try TemporaryDirectory()
    _ = try directory.write("x", to: "file")
    #expect(throws: OCILayoutError.self) { try OCILayoutWriter(at: FilePath(directory.path)) }
    #expect(throws: OCILayoutError.self) { try OCILayoutWriter(at: FilePath(directory.appending("file"))) }
  }

  @Test func `writers at the same time lose no entry, in a layout that exists or not`() async throws {
    for round in 0..<50 {
      let directory = try TemporaryDirectory()
      let path = directory.appending("layout")
      if round % 2 == 0 { try Self.add(Self.image(0), to: path, name: "first") }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 1...3 {
          group.addTask {
            try await Thread.run { try Self.add(Self.image(number), to: path, name: "\(number)") }
          }
        }
        try await group.waitForAll()
      }
      let names = Set(try Self.names(in: directory, "layout"))
      #expect(names == Set((round % 2 == 0 ? ["first"] : []) + ["1", "2", "3"]), "round \(round)")
      #expect(try directory.names() == ["layout"])
    }
  }
}
