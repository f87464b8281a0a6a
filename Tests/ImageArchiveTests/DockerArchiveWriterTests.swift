import ArchiveIO
import Glibc
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

/// docker-archive-bytes.md.
@Suite struct DockerArchiveWriterTests {
  private static let zeros = [UInt8](repeating: 0, count: 1024)

  @Test(arguments: [
    (DockerArchiveEra.third, 10_752, "c3813426c80767904f9d91314972449609f2c0aa6547b47c8e93ea4b6efbe6ca"),
    (.second, 10_752, "57b22dc934b2ae3cdfe59b72d897ccf77f4f3c47d3d2b9aff8ea6d6d011e06c6"),
    (.first, 4608, "a0c2fc3a135708945757ae51428c5badb98b5ec1342cef5e6a164caf586a8fbc"),
  ])
  func `the worked example comes out in each era and to each output`(
    era: DockerArchiveEra, byteCount: Int, hex: String
  ) async throws {
    let diffID = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    let config =
      #"{"architecture":"amd64","os":"linux","config":{"Cmd":["a","<b>"]},"rootfs":{"type":"layers","#
      + #""diff_ids":["\#(diffID)","\#(diffID)"]}}"#
    try #require(Digest.hex(of: config) == "8d3eee1122ce8ef45ffa8c764fde9f2df41a235200ce859e747d7f4295634f42")
    let layer = TestImage.layer(Self.zeros)
    let written = try await DockerArchiveWriter(
      TestImage.image([layer, layer], config: config), "example:1", era: era
    ).writeEverywhere()
    #expect(written.file.count == byteCount)
    #expect(Digest(of: written.file).hex == hex)
    #expect(written.differences == [])
    #expect(written.summaries[0].diffIDs.map(\.description) == [diffID, diffID])
  }

  @Test func `an image without layers has config, manifest.json and repositories`() async throws {
    let image = TestImage.image([], config: #"["no object is needed here"]"#)
    let config = image.manifest.value.config.digest.hex
    let manifest = #"[{"Config":"\#(config).json","RepoTags":["docker.io/library/a:latest"],"Layers":[]}]"#
    let third = try await DockerArchiveWriter(image, "a:latest").writeEverywhere()
    #expect(third.differences == [])
    #expect(
      try await tarMembers(third.file) == [
        "\(config).json 0 444 28 - \(config)",
        "manifest.json 0 444 \(manifest.utf8.count) - \(Digest.hex(of: manifest))",
        "repositories 0 444 2 - \(Digest.hex(of: "{}"))",
      ])
    let second = try await DockerArchiveWriter(image, "a:latest", era: .second).writeEverywhere()
    let without = manifest.replacing("[]", with: "null")
    #expect(second.differences == [])
    #expect(
      try await tarMembers(second.file) == [
        "\(config).json 0 444 28 - \(config)",
        "manifest.json 0 444 \(without.utf8.count) - \(Digest.hex(of: without))",
      ])
  }

  @Test func `names are written in order, repeated ones once, and sorted in repositories`() async throws {
    let image = TestImage.image([TestImage.layer(Self.zeros)])
    let names = ["b:2", "b:10", "a.example/x:1", "b:2", "localhost/z:t"]
    let third = try DockerArchiveWriter(image, references: names.map { try Reference(parsing: $0) })
    let members = try await third.writeEverywhere()
    let text = String(decoding: members.file, as: UTF8.self)
    #expect(
      text.contains(
        #""RepoTags":["docker.io/library/b:2","docker.io/library/b:10","a.example/x:1","localhost/z:t"]"#))
    let id = try #require(text.firstRange(of: "/layer.tar").map { text[..<$0.lowerBound].suffix(64) })
    #expect(
      text.contains(
        #"{"a.example/x":{"1":"\#(id)"},"docker.io/library/b":{"10":"\#(id)","2":"\#(id)"},"localhost/z":{"t":"\#(id)"}}"#
      ))
    #expect(members.differences == [])
    let second = try DockerArchiveWriter(
      image, references: names.map { try Reference(parsing: $0) }, era: .second)
    #expect(
      String(decoding: try await second.writeEverywhere().file, as: UTF8.self).contains(
        #"b:10","a.example/x:1","docker.io/library/b:2""#))
    let none = try await DockerArchiveWriter(image).writeEverywhere()
    #expect(String(decoding: none.file, as: UTF8.self).contains(#""RepoTags":[]"#))
    #expect(none.differences == [])
  }

  @Test(arguments: [
    "a", "a@sha256:\(String(repeating: "0", count: 64))", "a:t@sha256:\(String(repeating: "0", count: 64))",
  ])
  func `a name needs a tag and must not have a digest`(name: String) {
    #expect(throws: DockerArchiveError.self) { try DockerArchiveWriter(TestImage.image([]), name) }
  }

  @Test(arguments: DockerArchiveEra.allCases)
  func `a layer with the config's digest is refused`(era: DockerArchiveEra) throws {
    let config = "{}"
    let image = TestImage.image([TestImage.layer([1]), TestImage.layer(Array(config.utf8))], config: config)
    let writer = try DockerArchiveWriter(image, "a:t", era: era)
    #expect(throws: DockerArchiveError.layerIsConfig(2)) { try writer.write(to: .nowhere) }
  }

  @Test(arguments: ["[]", "1", "\"text\"", "{", "", "{} {}", "\u{feff}{}"])
  func `a config that is no object is refused when there are layers`(config: String) throws {
    let image = TestImage.image([TestImage.layer([1])], config: config)
    for era in [DockerArchiveEra.second, .third] {
      let error = #expect(throws: DockerArchiveError.self) {
        try DockerArchiveWriter(image, "a:t", era: era).write(to: .nowhere)
      }
      #expect(error?.description.contains("\n") == false)
    }
    #expect(throws: Never.self) { try DockerArchiveWriter(image, "a:t", era: .first).write(to: .nowhere) }
  }

  @Test func `progress tells of every uncompressed byte`() async throws {
    let layers = [try await LayerBytes.gzip([UInt8](repeating: 3, count: 300_000)), [1, 2, 3]]
    let writer = try DockerArchiveWriter(TestImage.image(layers.map { TestImage.layer($0) }), "a:t")
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let counted = Tally()
    _ = try writer.write(to: .nowhere) { counted.add($0) }
    #expect(counted.value == 300_003)
  }

  @Test func `a reader of the pipe that goes away is an error`() async throws {
    signal(SIGPIPE, SIG_IGN)
    let layer = TestImage.layer([UInt8](repeating: 1, count: 4 << 20))
    let writer = try DockerArchiveWriter(TestImage.image([layer]), "a:t")
    let (reading, writing) = try FileDescriptor.pipe()
    try reading.close()
    defer { try? writing.close() }
    await #expect(throws: FileError.self) { try await Thread.run { try writer.write(to: .pipe(writing)) } }
  }

  @Test
  func `after an error nothing more goes to the caller's descriptor, which may be another file by then`()
    async
  {
    // In a process of its own, where nobody else takes the number.
    await #expect(processExitsWith: .success) {
      let layers = [pattern(2 << 20), [0x1f, 0x8b, 8, 1, 2, 3]].map { TestImage.layer($0) }
      let writer = try DockerArchiveWriter(TestImage.image(layers), "a:t")
      let (reading, writing) = try FileDescriptor.pipe()
      #expect(throws: DecompressionError.self) { try writer.write(to: .pipe(writing)) }
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      let path = try directory.write("", to: "other")
      try writing.close()
      let other = try FileDescriptor.open(FilePath(path), .writeOnly)
      guard other == writing else { exit(2) }
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while try buffer.withUnsafeMutableBytes({ try reading.read(into: $0) }) > 0 {}
      exit(try directory.read("other").isEmpty ? 0 : 1)
    }
  }
}
