import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import TestSupport
import Testing

/// docker-archive-bytes.md, "Layers": what happens to layers of every kind, the same to each output.
@Suite struct DockerArchiveLayerTests {
  private static let content = LayerBytes.tar([
    ("file", pattern(3000)), ("zeros", [UInt8](repeating: 0, count: 90_000)),
  ])

  private static let kinds: [@Sendable ([UInt8]) async throws -> [UInt8]] = [
    { $0 }, { try await LayerBytes.gzip($0) }, { try await LayerBytes.zstd($0) },
    { try await LayerBytes.bzip2($0) }, { try await LayerBytes.xz($0) },
  ]

  @Test(arguments: 0..<5)
  func `a layer is stored decompressed under its own digest`(kind: Int) async throws {
    for content in [Self.content, [], [7]] {
      let stored = try await Self.kinds[kind](content)
      for piece in [100, .max] {
        let image = TestImage.image([TestImage.layer(stored, piece: piece)], diffIDs: [Digest(of: content)])
        let written = try await DockerArchiveWriter(image, "a:t").writeEverywhere()
        #expect(written.differences == [])
        let hex = Digest(of: content).hex
        #expect(try await tarMembers(written.file)[0] == "\(hex).tar 0 444 \(content.count) - \(hex)")
        #expect(written.summaries[0].diffIDs == [Digest(of: content)])
      }
    }
  }

  @Test(arguments: 0..<5)
  func `the first era keeps a layer as it is stored`(kind: Int) async throws {
    let stored = try await Self.kinds[kind](Self.content)
    let image = TestImage.image([TestImage.layer(stored)], diffIDs: [Digest(of: Self.content)])
    let written = try await DockerArchiveWriter(image, "a:t", era: .first).writeEverywhere()
    let hex = Digest(of: stored).hex
    #expect(written.differences == [])
    #expect(try await tarMembers(written.file)[0] == "sha256:\(hex) 0 444 \(stored.count) - \(hex)")
    #expect(written.file.count % 512 == 0)
  }

  @Test func `layers that are equal when decompressed are written once and listed as often as they occur`()
    async throws
  {
    var stored: [[UInt8]] = []
    for kind in Self.kinds { stored.append(try await kind(Self.content)) }
    stored += [try await LayerBytes.gzip(Self.content, level: 1), pattern(700), stored[1]]
    let layers = stored.map { TestImage.layer($0) }
    let digest = Digest(of: Self.content)
    let diffIDs = [digest, digest, digest, digest, digest, digest, Digest(of: pattern(700)), digest]
    for guesses in [diffIDs, [], diffIDs.reversed()] {
      let written = try await DockerArchiveWriter(TestImage.image(layers, diffIDs: guesses), "a:t")
        .writeEverywhere()
      #expect(written.differences == [])
      #expect(written.summaries[0].diffIDs == diffIDs)
      let members = try await tarMembers(written.file)
      let files = members.filter { $0.contains(".tar 0 444") }
      let links = members.filter { $0.contains("/layer.tar 2 0 0 ../\(digest.hex).tar") }
      #expect(files.count == 2)
      #expect(links.count == 7)
      #expect(members.count == 29)
    }
  }

  @Test func `wrong diff_ids and sizes that cannot be guessed do not matter`() async throws {
    let other = Digest(of: [1])
    let (first, second) = (
      try await LayerBytes.gzip(pattern(70_000)), try await LayerBytes.gzip(pattern(5, seed: 2))
    )
    let stored = [first + second, second + first, second, try await LayerBytes.gzip([]) + first, first]
    let layers = stored.map { TestImage.layer($0) }
    let contents = [
      pattern(70_000) + pattern(5, seed: 2), pattern(5, seed: 2) + pattern(70_000), pattern(5, seed: 2),
      pattern(70_000), pattern(70_000),
    ]
    let right = contents.map { Digest(of: $0) }
    let wrong = [other, right[0], right[4], Digest(of: [1], algorithm: .sha512), right[1]]
    for diffIDs in [
      right, wrong, [], [other], right + right, [right[0], right[0], right[0], right[0], right[0]],
    ] {
      let written = try await DockerArchiveWriter(TestImage.image(layers, diffIDs: diffIDs), "a:t")
        .writeEverywhere()
      #expect(written.differences == [])
      #expect(written.summaries.allSatisfy { $0.diffIDs == right })
    }
    let noList = try await DockerArchiveWriter(TestImage.image(layers, config: #"{"rootfs":7}"#), "a:t")
      .writeEverywhere()
    #expect(noList.differences == [])
  }

  @Test func `a gzip that ends before its size field is an error to each output`() async throws {
    let whole = try await LayerBytes.gzip(pattern(3000))
    for stored in [Array(whole.prefix(3)), Array(whole.dropLast(4)), Array(whole.dropLast())] {
      try await expectDamage(stored)
    }
  }

  @Test func `damaged layers are errors`() async throws {
    for kind in Self.kinds[1...] {
      var stored = try await kind(Self.content)
      try await expectDamage(Array(stored.dropLast(5)))
      try await expectDamage(stored + [0x41, 0x42])
      stored[stored.count / 2] ^= 0x20
      try await expectDamage(stored)
    }
    try await expectDamage(LayerBytes.tar("BZh", "a plain tar"))
  }

  private func expectDamage(_ stored: [UInt8]) async throws {
    let image = TestImage.image(
      [TestImage.layer([1, 2]), TestImage.layer(stored)],
      diffIDs: [Digest(of: [1, 2]), Digest(of: Self.content)])
    let writer = try DockerArchiveWriter(image, "a:t")
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    #expect(throws: DecompressionError.self) { try writer.fileBytes(in: directory) }
    #expect(throws: DecompressionError.self) { try writer.write(to: .nowhere) }
    await #expect(throws: DecompressionError.self) {
      try await collectingPipe { try writer.write(to: .pipe($0)) }
    }
    #expect(try directory.names() == [])
  }

  @Test(arguments: [DigestAlgorithm.sha512, .sha384], [DockerArchiveEra.second, .third])
  func `a plain layer keeps a longer digest, in extended headers`(
    algorithm: DigestAlgorithm, era: DockerArchiveEra
  ) async throws {
    let contents = [pattern(5000), pattern(600, seed: 2)]
    let layers = contents.map { TestImage.layer($0, algorithm: algorithm) }
    let written = try await DockerArchiveWriter(TestImage.image(layers), "a:t", era: era).writeEverywhere()
    #expect(written.differences == [])
    let members = try await tarMembers(written.file)
    let digests = contents.map { Digest(of: $0, algorithm: algorithm) }
    for (member, (digest, content)) in zip(members, zip(digests, contents)) {
      #expect(member == "\(digest.hex).tar 0 444 \(content.count) - \(Digest(of: content).hex)")
    }
    let chain = Digest(of: Array("\(digests[0]) \(digests[1])".utf8))
    if era == .second {
      #expect(
        members[3]
          == "\(digests[0].hex)/layer.tar 2 0 0 ../\(digests[0].hex).tar \(Digest(of: [UInt8]()).hex)")
      #expect(
        members[6] == "\(chain.hex)/layer.tar 2 0 0 ../\(digests[1].hex).tar \(Digest(of: [UInt8]()).hex)")
    } else {
      let id = Digest.hex(of: #"{"layer_id":"\#(digests[0])"}"#)
      #expect(members[3] == "\(id)/layer.tar 2 0 0 ../\(digests[0].hex).tar \(Digest(of: [UInt8]()).hex)")
      let text = String(decoding: written.file, as: UTF8.self)
      let link = "../\(digests[0].hex).tar"
      #expect(text.contains("\(link.utf8.count + 14) linkpath=\(link)\n"))
      #expect(text.contains("\(id)/PaxHeaders.0/layer.tar\0"))
      let hasPath = text.contains("142 path=\(digests[0].hex).tar\n")
      #expect(hasPath == (algorithm == .sha512))
    }
  }

  @Test func `a compressed layer with a longer digest is named by the sha256 of what is in it`() async throws
  {
    let stored = try await LayerBytes.gzip(Self.content)
    let image = TestImage.image(
      [TestImage.layer(stored, algorithm: .sha512)], diffIDs: [Digest(of: Self.content)])
    let written = try await DockerArchiveWriter(image, "a:t").writeEverywhere()
    #expect(written.differences == [])
    #expect(written.summaries[0].diffIDs == [Digest(of: Self.content)])
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
}
