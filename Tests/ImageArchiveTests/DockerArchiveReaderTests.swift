import ArchiveIO
import Foundation
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

/// docker-archive-bytes.md, "Reading docker-archives: what the readers accept".
@Suite struct DockerArchiveReaderTests {
  static let shapes: [(String, @Sendable (SampleImage) -> [TarBytes.Member])] = [
    ("old docker", { $0.oldDocker() }), ("buildkit", { $0.buildkit() }), ("podman", { $0.podman() }),
    ("crane", { $0.crane() }),
    (
      "dots",
      {
        $0.oldDocker().map { member in
          var member = member
          member.name = Array("./".utf8) + member.name
          return member
        }
      }
    ),
    ("manifest last", { Array($0.buildkit().reversed()) }),
  ]

  @Test(arguments: shapes.indices, [LayerEncoding.uncompressed, .gzip])
  func `an archive of any program gives Docker's manifest of what is stored`(
    shape: Int, encoding: LayerEncoding
  ) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var sample = try await SampleImage.plain.compressed(encoding)
    let collection = try await directory.open(Self.shapes[shape].1(sample))
    #expect(collection.format == .dockerArchive)
    let image = try await collection.image()
    sample.kind = .docker
    #expect(image.root.bytes == sample.manifest.bytes)
    #expect(image.root.digest == sample.manifest.digest)
    #expect(try await image.contents() == [sample.config] + sample.stored)
    #expect(try await ImageVerifier(image).run().findings == [])
  }

  @Test(arguments: shapes.indices) func `layers in zstd make it an OCI manifest`(shape: Int) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let sample = try await SampleImage.plain.compressed(.zstd)
    let image = try await directory.open(Self.shapes[shape].1(sample)).image()
    #expect(image.root.bytes == sample.manifest.bytes)
    #expect(try await image.contents() == [sample.config] + sample.stored)
  }

  @Test func `layers in bzip2 and xz are what is inside them`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var sample = SampleImage.plain
    sample.stored = [try await LayerBytes.bzip2(sample.layers[0]), try await LayerBytes.xz(sample.layers[1])]
    sample.stored.append(sample.stored[0])
    let image = try await directory.open(sample.buildkit()).image()
    #expect(try await image.contents() == [sample.config] + sample.layers)
    #expect(try image.manifest.layers.map(\.digest) == sample.layers.map { Digest(of: $0) })
    #expect(try image.manifest.layers.map(\.byteCount) == sample.layers.map { Int64($0.count) })
    let content = try await image.blob(try image.manifest.layers[0], subject: "x")
    #expect(try content.byteCount() == Int64(sample.layers[0].count))
    #expect(try content.suffix(1500) == Array(sample.layers[0].suffix(1500)))
  }

  @Test(arguments: [LayerEncoding.uncompressed, .gzip, .zstd])
  func `the manifest that Docker 25 puts beside it is kept`(encoding: LayerEncoding) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let sample = try await SampleImage.plain.compressed(encoding)
    let collection = try await directory.open(sample.newDocker())
    #expect(collection.format == .dockerArchive)
    let image = try await collection.image()
    #expect(image.root.bytes == sample.manifest.bytes)
    #expect(image.root.mediaType == .ociManifest)
    #expect(try await image.contents() == [sample.config] + sample.stored)
    let layout = try await directory.open(sample.newDocker(), as: .ociArchive).image(.name("1"))
    #expect(layout.root.digest == image.root.digest)
  }

  @Test func `a manifest of other layers beside it is not taken`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var sample = SampleImage.plain
    let other = SampleImage(layers: [SampleImage.plain.layers[1]])
    var members = sample.newDocker().filter { $0.name != Array("index.json".utf8) }
    members += other.newDocker().filter { member in
      member.name != Array("manifest.json".utf8) && !members.contains { $0.name == member.name }
    }
    let image = try await directory.open(members).image()
    sample.kind = .docker
    #expect(image.root.bytes == sample.manifest.bytes)
  }

  @Test func `one image of several is chosen by name or place`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let first = SampleImage.plain
    let second = SampleImage(layers: [SampleImage.plain.layers[1]])
    func item(_ image: SampleImage, _ tags: [String]) -> String {
      SampleImage.manifestJSON(
        Digest(of: image.config).hex + ".json", tags, image.layers.map { Digest(of: $0).hex + ".tar" })
    }
    var members = first.podman().dropLast() + second.podman().dropLast()
    members.append(
      SampleImage.manifestMember(
        item(first, ["sample:1", "quay.io/x/y:z"]),
        item(second, ["docker.io/library/sample:latest", "Odd Name"])))
    let collection = try await directory.open(Array(members))
    #expect(
      collection.listings.map(\.names) == [
        ["sample:1", "quay.io/x/y:z"], ["docker.io/library/sample:latest", "Odd Name"],
      ])
    for (selector, count) in [
      ("sample:1", 3), ("docker.io/library/sample:1", 3), ("quay.io/x/y:z", 3), ("@0", 3), ("sample", 1),
      ("index.docker.io/sample:latest", 1), ("Odd Name", 1), ("@1", 1),
    ] {
      let image = try await collection.image(ImageSelector(parsing: selector))
      #expect(try image.manifest.layers.count == count, "\(selector)")
    }
    for selector in [
      "sample:2", "@2", "quay.io/x/y", "@sha256:\(String(repeating: "0", count: 64))", "@x", "@-1",
    ] {
      let selector = ImageSelector(parsing: selector)
      let error = await #expect(throws: ImageArchiveError.self) { try await collection.image(selector) }
      #expect(error?.problem == .noSuchImage(selector, available: collection.listings))
      #expect(error?.description.contains("quay.io/x/y:z") == true)
    }
    let error = await #expect(throws: ImageArchiveError.self) { try await collection.image() }
    #expect(error?.problem == .severalImages(collection.listings))
  }

  @Test func `several names of one image are one image, two images of one name are refused`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let sample = SampleImage.plain
    let names = sample.layers.map { Digest(of: $0).hex + ".tar" }
    let config = Digest(of: sample.config).hex + ".json"
    func archive(_ items: String...) -> [TarBytes.Member] {
      sample.podman().dropLast() + [.init("manifest.json", text: "[" + items.joined(separator: ",") + "]")]
    }
    let same = archive(
      SampleImage.manifestJSON(config, ["a:1"], names), SampleImage.manifestJSON(config, ["a:2"], names))
    #expect(try await directory.open(same).image().manifest.layers.count == 3)
    let two = archive(
      SampleImage.manifestJSON(config, ["a:1"], names), SampleImage.manifestJSON(config, ["a:1"], []))
    let collection = try await directory.open(two)
    let error = await #expect(throws: ImageArchiveError.self) { try await collection.image(.name("a:1")) }
    #expect(error?.problem == .ambiguous(.name("a:1"), available: collection.listings))
    let empty = try await directory.open([.init("manifest.json", text: "[]")])
    await #expect(throws: ImageArchiveError.self) { try await empty.image() }
  }

  static let contradictions: [(String, [TarBytes.Member], @Sendable (ImageArchiveError.Problem) -> Bool)] = {
    let sample = SampleImage.plain
    let config = TarBytes.Member("c.json", sample.config)
    let layers = [TarBytes.Member("0", sample.layers[0]), .init("1", sample.layers[1])]
    func archive(_ config: TarBytes.Member, _ names: [String], _ others: [TarBytes.Member] = []) -> [TarBytes
      .Member]
    {
      [config] + layers + others
        + [
          SampleImage.manifestMember(
            SampleImage.manifestJSON(String(decoding: config.name, as: UTF8.self), [], names))
        ]
    }
    let noConfig = Array(archive(config, ["0", "1", "0"]).dropFirst())
    return [
      ("too few layers", archive(config, ["0", "1"]), { $0 == .layerCount(2, diffIDs: 3) }),
      ("too many layers", archive(config, ["0", "1", "0", "1"]), { $0 == .layerCount(4, diffIDs: 3) }),
      ("one file for two layers", archive(config, ["0", "0", "0"]), { $0 == .sharedLayer("0", 1, 2) }),
      (
        "one file for two layers, through a link",
        archive(config, ["0", "l", "0"], [.init("l", type: "2", link: "0")]),
        { $0 == .sharedLayer("l", 1, 2) }
      ),
      ("the config as a layer", archive(config, ["0", "c.json", "0"]), { $0 == .layerIsConfig(2) }),
      (
        "a layer that is missing", archive(config, ["0", "2", "0"]),
        { $0 == .missing("2", subject: "layer 2 of 3") }
      ),
      ("a config that is missing", noConfig, { $0 == .missing("c.json", subject: "config") }),
      (
        "a layer outside", archive(config, ["0", "../1", "0"]),
        { $0 == .missing("../1", subject: "layer 2 of 3") }
      ),
      (
        "an absolute layer", archive(config, ["0", "/etc/passwd", "0"]),
        { $0 == .missing("/etc/passwd", subject: "layer 2 of 3") }
      ),
      (
        "two layers of one name", archive(config, ["0", "1", "0"], [.init("1", text: "other")]),
        { $0 == .member(.conflict(name: MemberName("1"))) }
      ),
      (
        "two lists", archive(config, ["0", "1", "0"], [SampleImage.manifestMember()]),
        { $0 == .member(.conflict(name: MemberName("manifest.json"))) }
      ),
      (
        "a link in a circle", archive(config, ["0", "l", "0"], [.init("l", type: "2", link: "l")]),
        { $0 == .member(.tooManyLinks(name: MemberName("l"))) }
      ),
      (
        "a large config",
        archive(.init("c.json", [UInt8](repeating: 0x20, count: 4 << 20) + sample.config), ["0"]),
        {
          $0 == .tooLarge("config", limit: 4 << 20)
        }
      ),
      (
        "a config that is none", archive(.init("c.json", text: "[]"), []),
        { problem in
          if case .document("config", _) = problem { true } else { false }
        }
      ),
    ]
  }()

  @Test(arguments: contradictions.indices) func `a contradiction is refused and named`(case index: Int)
    async throws
  {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (name, members, isRight) = Self.contradictions[index]
    let error = await #expect(throws: ImageArchiveError.self, "\(name)") {
      try await directory.open(members).image()
    }
    #expect(error.map { isRight($0.problem) } == true, "\(name): \(String(describing: error))")
  }

  @Test(arguments: [
    "", "{}", "null", "[1]", #"[{"Layers":[]}]"#, #"[{"Config":1}]"#, #"[{"Config":"a","Layers":{}}]"#,
    #"[{"Config":"a","config":"b","Layers":[]}]"#, #"[{"Config":"a","layers":[]}]"#,
    #"[{"Config":"a","Config":"b"}]"#,
    #"[{"Config":"a","Layers":[1]}]"#, "[", "[]x", #"[{"Config":"a","RepoTags":[null]}]"#,
  ]) func `a list that is none is refused`(text: String) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let error = await #expect(throws: ImageArchiveError.self) {
      try await directory.open([.init("manifest.json", text: text)])
    }
    guard case .document("manifest.json", _) = error?.problem else {
      Issue.record("\(String(describing: error))"); return
    }
  }

  @Test func `a list that is too long is not read`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let error = await #expect(throws: ImageArchiveError.self) {
      try await directory.open([.init("manifest.json", [UInt8](repeating: 0x20, count: 4 << 20 + 1))])
    }
    #expect(error?.problem == .tooLarge("manifest.json", limit: 4 << 20))
  }

  @Test func `changed bytes are found when they are read`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let sample = SampleImage.plain
    var members = sample.podman()
    members[0].content[600] ^= 1
    let image = try await directory.open(members).image()
    let changed = try #require(
      try image.manifest.layers.first {
        $0.digest.hex + ".tar" == String(decoding: members[0].name, as: UTF8.self)
      })
    let content = try await image.blob(changed, subject: "layer 7 of 9")
    let error = #expect(throws: ContentMismatch.self) { try content.open().everything() }
    #expect(error?.subject == "layer 7 of 9" && error?.expected == changed.digest)
    #expect(throws: ContentMismatch.self) { try content.waitUntilComplete() }
    // The config's name is its digest in all archives but those of a few programs.
    members = sample.podman()
    let place = try #require(members.firstIndex { $0.content == sample.config })
    members[place].content[20] ^= 1
    await #expect(throws: ContentMismatch.self) { try await directory.open(members).image() }
  }

  @Test(arguments: [["gzip", "-c"], ["zstd", "-q", "-c"], ["bzip2", "-c"], ["xz", "-c"]])
  func `the whole archive may be compressed, also through a pipe`(command: [String]) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let sample = SampleImage.plain
    let archive = TarBytes.archive(sample.oldDocker())
    let compressed = try await Program.check(command[0], Array(command.dropFirst()), input: archive).output
    try directory.write(compressed, to: "archive")
    let image = try await directory.open("archive").image()
    #expect(try await image.contents() == [sample.config] + sample.layers)
    let pipe = try FileDescriptor.pipe()
    defer { try? pipe.readEnd.close() }
    ArchiveIO.Thread.detach {
      _ = try? pipe.writeEnd.writeAll(compressed)
      try? pipe.writeEnd.close()
    }
    let piped = try await ImageOpener(scratch: FilePath(directory.path)).open(
      pipe.readEnd, name: "standard input")
    #expect(try await piped.image().root.bytes == image.root.bytes)
    #expect(try directory.names() == ["archive"])
  }

  @Test func `what skopeo writes is read, and is what it started from`() async throws {
    try Program.require("skopeo", package: "skopeo")
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let sample = try await SampleImage.plain.compressed(.gzip)
    try SampleImage.writeLayout([sample], to: "layout", in: directory)
    let archive = directory.appending("archive")
    try await Program.check(
      "skopeo",
      ["--insecure-policy", "copy", "oci:\(directory.appending("layout"))", "docker-archive:\(archive):a:b"])
    let image = try await directory.open("archive").image(.name("a:b"))
    #expect(try await image.contents() == [sample.config] + sample.layers)
    #expect(try await ImageVerifier(image).run().findings == [])
  }

  @Test(arguments: 1...60) func `a damaged archive is an error or an image, never a crash`(seed: UInt64)
    async throws
  {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var generator = SeededGenerator(seed: seed)
    let small = SampleImage(layers: [LayerBytes.tar("a", "b"), LayerBytes.tar("c", "d")])
    var archive = TarBytes.archive(seed % 2 == 0 ? small.newDocker() : small.oldDocker())
    switch generator.number(in: 0...3) {
    case 0: archive.removeLast(generator.number(in: 1...archive.count - 1))
    case 1: archive = generator.bytes(generator.number(in: 0...5000))
    default:
      for _ in 0...generator.number(in: 0...5) {
        archive[generator.number(in: 0...archive.count - 1)] = UInt8(truncatingIfNeeded: generator.next())
      }
    }
    try directory.write(archive, to: "archive")
    do {
      let collection = try await directory.open("archive")
      let report = try await ImageVerifier(collection.image()).run()
      _ = report.findings.map(\.description)
    } catch is ImageArchiveError {
    } catch is ContentMismatch {
    } catch is DecompressionError {}
    #expect(try directory.names() == ["archive"])
  }
}
