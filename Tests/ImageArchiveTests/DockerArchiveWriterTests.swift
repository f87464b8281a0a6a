import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import Testing
import TestSupport

@Suite struct DockerArchiveWriterTests {
  /// The worked example of docker-archive-bytes.md: two equal layers of 1024 zero bytes, stored uncompressed.
  private static let example = Image(
    stored: [[UInt8](repeating: 0, count: 1024), [UInt8](repeating: 0, count: 1024)],
    diffIDs: Array(repeating: Digest(of: [UInt8](repeating: 0, count: 1024)), count: 2))

  @Test(arguments: [
    (DockerArchiveEra.third, 10752, "c3813426c80767904f9d91314972449609f2c0aa6547b47c8e93ea4b6efbe6ca"),
    (.second, 10752, "57b22dc934b2ae3cdfe59b72d897ccf77f4f3c47d3d2b9aff8ea6d6d011e06c6"),
    (.first, 4608, "a0c2fc3a135708945757ae51428c5badb98b5ec1342cef5e6a164caf586a8fbc"),
  ])
  func `the worked example has the published hash`(era: DockerArchiveEra, count: Int, hex: String)
    async throws
  {
    let directory = try TemporaryDirectory()
    let writer = try DockerArchiveWriter(
      Self.example, references: [Reference(parsing: "example:1")], era: era)
    let file = try writer.written(in: directory)
    #expect(file.bytes.count == count)
    #expect(Digest(of: file.bytes).hex == hex)
    #expect(file.digest?.hex == hex)
    #expect(try await writer.piped().bytes == file.bytes)
    #expect(try writer.write(to: .nowhere, computingDigest: true).digest?.hex == hex)
  }

  @Test(arguments: 0..<12)
  func `file, pipe and hash agree on random images`(seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    var stored: [[UInt8]] = []
    var diffIDs: [Digest] = []
    for _ in 0..<random.number(in: 0...6) {
      let content = random.once(in: 5) ? [] : random.bytes(random.number(in: 1...200_000))
      // Diff IDs may lie; sizes at the end of gzip data do when there are several members.
      diffIDs.append(Digest(of: random.once(in: 4) ? [1] : content))
      switch random.number(in: 0...4) {
      case 0: stored.append(content)
      case 1: stored.append(try await LayerBytes.zstd(content))
      case 2:
        let half = content.count / 2
        stored.append(
          try await LayerBytes.gzip(Array(content[..<half])) + LayerBytes.gzip(Array(content[half...])))
      default: stored.append(try await LayerBytes.gzip(content))
      }
      if random.once(in: 3) {
        stored.append(stored[stored.count - 1])
        diffIDs.append(diffIDs[diffIDs.count - 1])
      }
      if random.once(in: 3) {
        stored.append(try await LayerBytes.gzip(content, level: 1))
        diffIDs.append(Digest(of: content))
      }
    }
    let image = Image(stored: stored, diffIDs: diffIDs)
    let writer = try DockerArchiveWriter(image, references: [Reference(parsing: "a/b:c")])
    let file = try writer.written(in: TemporaryDirectory())
    let pipe = try await writer.piped()
    #expect(pipe.bytes == file.bytes, "seed \(seed)")
    let digest = Digest(of: file.bytes)
    #expect(file.digest == digest, "seed \(seed)")
    #expect(pipe.digest == digest, "seed \(seed)")
    #expect(try writer.write(to: .nowhere, computingDigest: true).digest == digest, "seed \(seed)")
  }

  @Test func `layers that start over in the middle give the same file`() async throws {
    var random = SeededGenerator(seed: 7)
    var stored: [[UInt8]] = []
    for _ in 0..<5 { stored.append(try await LayerBytes.gzip(random.bytes(100_000))) }
    let expected = try DockerArchiveWriter(
      Image(stored: stored, diffIDs: []), references: [Reference(parsing: "a:b")]
    ).written(in: TemporaryDirectory())
    for falseStarts in 1...3 {
      let image = Image(stored: stored, diffIDs: [], falseStarts: falseStarts)
      let found = try DockerArchiveWriter(image, references: [Reference(parsing: "a:b")])
        .written(in: TemporaryDirectory())
      #expect(found.bytes == expected.bytes)
      #expect(found.digest == expected.digest)
    }
  }

  @Test func `a damaged layer is an error, whichever it is`() async throws {
    var random = SeededGenerator(seed: 3)
    for position in 0..<4 {
      var stored: [[UInt8]] = []
      for _ in 0..<4 { stored.append(try await LayerBytes.gzip(random.bytes(50_000))) }
      stored[position][stored[position].count / 2] ^= 0x55
      let writer = try DockerArchiveWriter(
        Image(stored: stored, diffIDs: []), references: [Reference(parsing: "a:b")])
      #expect(throws: DecompressionError.self) { try writer.written(in: TemporaryDirectory()) }
      #expect(throws: DecompressionError.self) { try writer.write(to: .nowhere, computingDigest: true) }
    }
  }

  @Test func `a layer with the digest of the config is refused`() throws {
    let image = Image(stored: [], diffIDs: [])
    let config = image.manifest.value.config
    let manifest = Manifest(kind: .oci, config: config, layers: [config])
    let twisted = Image(
      manifest: manifest.encoded(), config: image.config,
      layers: [Layer(descriptor: config, content: MemoryContent(image.config))])
    let writer = try DockerArchiveWriter(twisted, references: [Reference(parsing: "a:b")])
    #expect(throws: DockerArchiveError.layerIsConfig(1)) { try writer.write(to: .nowhere) }
  }

  @Test(arguments: ["a", "a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"])
  func `a name without tag, or with a digest, is refused`(name: String) throws {
    #expect(throws: DockerArchiveError.self) {
      try DockerArchiveWriter(Self.example, references: [Reference(parsing: name)])
    }
  }
}
