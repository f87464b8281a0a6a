import ArchiveIO
import Foundation
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

/// Every kind of damage is found, and all of it at once.
@Suite struct ImageVerifierTests {
  static func report(
    _ image: SampleImage, damaging: (TemporaryDirectory) throws -> Void = { _ in }
  ) async throws -> ImageVerifier.Report {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try SampleImage.writeLayout([image], to: "layout", in: directory)
    try damaging(directory)
    return try await ImageVerifier(directory.open("layout").image()).run()
  }

  static func blob(_ bytes: [UInt8]) -> String { "layout/blobs/sha256/\(Digest(of: bytes).hex)" }

  @Test(arguments: LayerEncoding.allCases) func `a sound image has no findings`(encoding: LayerEncoding)
    async throws
  {
    let sample = try await SampleImage.plain.compressed(encoding)
    let read = Counter()
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try SampleImage.writeLayout([sample], to: "layout", in: directory)
    let report = try await ImageVerifier(directory.open("layout").image()).run { read.add($0) }
    #expect(report.findings == [])
    #expect((report.imageCount, report.layerCount) == (1, 2))
    let stored = Int64(sample.stored[0].count + sample.stored[1].count)
    #expect(report.byteCount == stored && read.value == stored)
  }

  @Test(arguments: LayerEncoding.allCases) func `changed, longer, shorter and missing layers are named`(
    encoding: LayerEncoding
  ) async throws {
    let sample = try await SampleImage.plain.compressed(encoding)
    let layer = sample.stored[1]
    var changed = layer
    changed[layer.count / 2] ^= 0xff
    for (bytes, field) in [
      (changed, "layer digest"), (layer + [0], "layer size"), (Array(layer.dropLast()), "layer size"),
      ([], "layer size"),
    ] {
      let report = try await Self.report(sample) { try $0.write(bytes, to: Self.blob(layer)) }
      #expect(report.findings.count == 1)
      let finding = try #require(report.findings.first)
      #expect(finding.layer == 2 && finding.field == field, "\(finding)")
      #expect(finding.description.contains("layer 2"))
    }
    let report = try await Self.report(sample) {
      try FileManager.default.removeItem(atPath: $0.appending(Self.blob(layer)))
    }
    #expect(report.findings.map(\.layer) == [2] && report.findings.first?.field == "content")
  }

  @Test func `a changed config is named, and the layers are checked all the same`() async throws {
    let sample = SampleImage.plain
    let report = try await Self.report(sample) { directory in
      try directory.write(sample.config.map { $0 == 0x78 ? 0x79 : $0 }, to: Self.blob(sample.config))
      try directory.write([1], to: Self.blob(sample.layers[0]))
    }
    #expect(report.findings.map(\.field) == ["config digest", "layer size"])
  }

  @Test(arguments: LayerEncoding.allCases) func `a wrong diff ID is found`(encoding: LayerEncoding)
    async throws
  {
    let layers = SampleImage.plain.layers
    var diffIDs = layers.map { Digest(of: $0) }
    diffIDs[1] = Digest(of: "something else".utf8)
    let sample = try await SampleImage(layers: layers, diffIDs: diffIDs).compressed(encoding)
    let report = try await Self.report(sample)
    #expect(
      report.findings == [
        ImageFinding(
          image: "\(sample.manifest.digest)", layer: 2, field: "diff ID", expected: "\(diffIDs[1])",
          found: "\(Digest(of: layers[1]))")
      ])
  }

  @Test func `diff IDs of another hash function are checked`() async throws {
    let layers = SampleImage.plain.layers
    let diffIDs = layers.map { Digest(of: $0, algorithm: .sha512) }
    #expect(try await Self.report(SampleImage(layers: layers, diffIDs: diffIDs)).findings == [])
    let wrong = SampleImage(layers: layers, diffIDs: [diffIDs[1], diffIDs[1], diffIDs[0]])
    #expect(try await Self.report(wrong).findings.map(\.layer) == [1])
  }

  @Test func `numbers that do not agree are found`() async throws {
    let layers = SampleImage.plain.layers
    let few = SampleImage(layers: layers, diffIDs: [Digest(of: layers[0])])
    #expect(try await Self.report(few).findings.map(\.field) == ["rootfs.diff_ids"])
    #expect(
      try await Self.report(SampleImage(layers: layers, history: 2)).findings.map(\.field) == ["history"])
  }

  @Test func `media types that lie are found`() async throws {
    var sample = try await SampleImage.plain.compressed(.gzip)
    sample.encoding = .zstd
    #expect(try await Self.report(sample).findings.map(\.field) == ["media type", "media type"])
    sample.encoding = .gzip
    sample.stored[0] = SampleImage.plain.layers[0]
    #expect(try await Self.report(sample).findings.map(\.layer) == [1])
  }

  @Test func `a layer whose compressed data is damaged under its right digest is found`() async throws {
    var sample = try await SampleImage.plain.compressed(.gzip)
    sample.stored[1].removeLast(6)
    let report = try await Self.report(sample)
    #expect(report.findings.map(\.layer) == [2] && report.findings.map(\.field) == ["content"])
    #expect(report.findings.first?.found.contains("gz") == true)
  }

  @Test func `a layer that registries may leave out may be missing, but not be another`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let sample = SampleImage.plain
    var manifest = sample.manifest.value
    manifest.layers[1].mediaType = .ociForeignLayer
    let encoded = manifest.encoded()
    try SampleImage.writeLayout(
      [sample], to: "layout", in: directory, index: SampleImage.index([(encoded, nil)]))
    try directory.write(encoded.bytes, to: Self.blob(encoded.bytes))
    let image = try await directory.open("layout").image()
    #expect(try await ImageVerifier(image).run().findings == [])
    try directory.write([1], to: Self.blob(sample.layers[1]))
    #expect(try await ImageVerifier(image).run().findings.map(\.field) == ["layer size"])
    try FileManager.default.removeItem(atPath: directory.appending(Self.blob(sample.layers[1])))
    #expect(try await ImageVerifier(image).run().findings == [])
  }

  @Test func `blobs of artifacts and attestations are hashed, and not looked into`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let sample = SampleImage.plain
    var manifest = sample.manifest.value
    manifest.config.mediaType = .ociEmpty
    manifest.layers[1].mediaType = MediaType(rawValue: "text/plain")
    let encoded = manifest.encoded()
    try SampleImage.writeLayout(
      [sample], to: "layout", in: directory, index: SampleImage.index([(encoded, nil)]))
    try directory.write(encoded.bytes, to: Self.blob(encoded.bytes))
    let image = try await directory.open("layout").image()
    #expect(try await ImageVerifier(image).run().findings == [])
    try directory.write(sample.layers[1].reversed(), to: Self.blob(sample.layers[1]))
    #expect(try await ImageVerifier(image).run().findings.map(\.field) == ["layer digest"])
  }

  @Test func `a config that is none is found`() async throws {
    var sample = SampleImage.plain
    sample.config = Array("[]".utf8)
    #expect(try await Self.report(sample).findings.map(\.field) == ["config"])
  }

  static func indexed(_ images: [(SampleImage, Platform)]) -> String {
    let entries = images.map { image, platform in
      var entry = ManifestDocument.manifest(image.manifest).descriptor
      entry.platform = platform
      return entry
    }
    return String(decoding: ImageIndex(kind: .oci, manifests: entries).encoded().bytes, as: UTF8.self)
  }

  @Test func `every image of an index is checked, or those for a platform`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let images = [SampleImage.plain, SampleImage(layers: [LayerBytes.tar("x", "y")])]
    let (here, there) = (
      Platform(os: "linux", architecture: "amd64"), Platform(os: "windows", architecture: "amd64")
    )
    let index = Self.indexed([(images[0], here), (images[1], there)])
    try SampleImage.writeLayout(images, to: "layout", in: directory, index: index)
    try directory.write([0], to: Self.blob(images[1].layers[0]))
    let all = try #require(try await directory.open("layout").layout).all
    let report = try await ImageVerifier(all).run()
    #expect(report.imageCount == 2)
    #expect(report.findings.map(\.image) == ["windows/amd64", "windows/amd64"])
    #expect(report.findings.map(\.field) == ["platform", "layer size"])
    let one = [PlatformRequest(os: "linux", architecture: "amd64")]
    #expect(try await ImageVerifier(all, platforms: one).run().findings == [])
    await #expect(throws: SelectionError.self) {
      try await ImageVerifier(all, platforms: [PlatformRequest(os: "plan9", architecture: "amd64")]).run()
    }
  }

  @Test func `a manifest that is missing or changed does not hide the others`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let images = (1...3).map {
      SampleImage(layers: [LayerBytes.tar("x", "\($0)")], history: $0 == 3 ? 5 : nil)
    }
    try SampleImage.writeLayout(images, to: "layout", in: directory)
    try FileManager.default.removeItem(atPath: directory.appending(Self.blob(images[0].manifest.bytes)))
    try directory.write(
      images[1].manifest.bytes.map { $0 == 0x31 ? 0x32 : $0 }, to: Self.blob(images[1].manifest.bytes))
    let report = try await ImageVerifier(try #require(try await directory.open("layout").layout).all).run()
    #expect(Set(report.findings.map(\.field)) == ["content", "manifest digest", "history"])
    #expect(report.findings.count == 3 && report.imageCount == 1)
  }

  @Test func `other errors end the check, unless they are findings too`() async throws {
    struct Outage: Error {}
    struct Broken: ImageSource {
      let root = ManifestDocument.manifest(SampleImage.plain.manifest)
      func document(_ descriptor: Descriptor) async throws -> ManifestDocument { throw Outage() }
      func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent { throw Outage() }
    }
    await #expect(throws: Outage.self) { try await ImageVerifier(Broken()).run() }
    let report = try await ImageVerifier(Broken(), describingFindings: { $0 is Outage ? "gone" : nil }).run()
    #expect(report.findings.map(\.found) == ["gone", "gone", "gone"])
  }
}

/// A number that threads add to.
final class Counter: @unchecked Sendable {
  // Unchecked: guarded by `lock`.
  private let lock = NSLock()
  private var sum: Int64 = 0
  func add(_ count: Int) { lock.withLock { sum += Int64(count) } }
  var value: Int64 { lock.withLock { sum } }
}
