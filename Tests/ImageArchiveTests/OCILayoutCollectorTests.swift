import ArchiveIO
import Foundation
import Hashing
import ImageArchive
import OCIModel
import SystemPackage
import TestSupport
import Testing

@Suite struct OCILayoutCollectorTests {
  private static func path(_ directory: TemporaryDirectory) -> FilePath {
    FilePath(directory.appending("layout"))
  }

  private static func add(_ image: Image, name: String?, to directory: TemporaryDirectory) throws {
    try OCILayoutWriter(at: path(directory)).addAll(image, name: name)
  }

  private static func blobs(_ directory: TemporaryDirectory) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: directory.appending("layout/blobs/sha256")))
  }

  private static func names(of image: Image) -> Set<String> {
    Set(
      ([image.manifest.digest, image.manifest.value.config.digest] + image.layers.map(\.descriptor.digest))
        .map(\.hex))
  }

  private static func image(_ number: Int, shared: Layer? = nil, size: Int = 3000) -> Image {
    let own = TestImage.layer(pattern(size, seed: UInt64(number + 1)))
    return TestImage.image((shared.map { [$0] } ?? []) + [own], config: "{\"n\":\(number)}")
  }

  /// Puts a document among the blobs without naming it.
  private static func store(_ bytes: [UInt8], in directory: TemporaryDirectory) throws -> Digest {
    let digest = Digest(of: bytes)
    try directory.write(bytes, to: "layout/blobs/sha256/\(digest.hex)")
    return digest
  }

  @Test func `what a deleted image had alone goes, and what others have stays`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let shared = TestImage.layer(pattern(2000))
    let (kept, gone) = (Self.image(1, shared: shared), Self.image(2, shared: shared))
    try Self.add(kept, name: "kept", to: directory)
    try Self.add(gone, name: "gone", to: directory)
    let collector = OCILayoutCollector(Self.path(directory))
    #expect(try collector.run() == OCILayoutCollector.Report())
    let removed = try OCILayoutEditor(Self.path(directory)).remove(.name("gone"))
    #expect(removed.map(\.digest) == [gone.manifest.digest])
    let planned = try collector.run(isDryRun: true)
    #expect(Set(planned.digests.map(\.hex)) == Self.names(of: gone).subtracting(Self.names(of: kept)))
    #expect(
      planned.byteCount == Int64(gone.manifest.bytes.count + gone.config.count) + 3000)
    #expect(try Self.blobs(directory) == Self.names(of: kept).union(Self.names(of: gone)))
    #expect(try collector.run() == planned)
    #expect(try Self.blobs(directory) == Self.names(of: kept))
    #expect(throws: ImageArchiveError.self) {
      try OCILayoutEditor(Self.path(directory)).remove(.name("gone"))
    }
  }

  @Test func `nested indexes keep what is in them, also when a platform is missing`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (inner, other) = (Self.image(1), Self.image(2))
    try Self.add(inner, name: "x", to: directory)
    try Self.add(other, name: "y", to: directory)
    let missing = Descriptor(mediaType: .ociManifest, digest: Digest(of: [1]), byteCount: 1)
    func descriptor(_ image: Image) -> Descriptor { ManifestDocument.manifest(image.manifest).descriptor }
    let lower = ImageIndex(kind: .oci, manifests: [descriptor(inner), missing]).encoded()
    let upper = ImageIndex(kind: .oci, manifests: [ManifestDocument.index(lower).descriptor]).encoded()
    let documents = [try Self.store(lower.bytes, in: directory), try Self.store(upper.bytes, in: directory)]
    let writer = try OCILayoutWriter(at: Self.path(directory))
    try writer.commit(ManifestDocument.index(upper).descriptor, name: "nested")
    for name in ["x", "y"] { try OCILayoutEditor(Self.path(directory)).remove(.name(name)) }
    _ = try OCILayoutCollector(Self.path(directory)).run()
    #expect(try Self.blobs(directory) == Self.names(of: inner).union(documents.map(\.hex)))
  }

  @Test func `what belongs to something needed stays without being named, and otherwise goes`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let (image, gone) = (Self.image(1), Self.image(2))
    try Self.add(image, name: "x", to: directory)
    try Self.add(gone, name: "y", to: directory)
    func referrer(of subject: Descriptor, _ text: String) throws -> (ManifestDocument, Set<String>) {
      let blob = try Self.store(Array(text.utf8), in: directory)
      var manifest = Manifest(
        kind: .oci, config: Descriptor(mediaType: .ociEmpty, digest: blob, byteCount: Int64(text.utf8.count)),
        layers: [])
      manifest.subject = subject
      let document = ManifestDocument.manifest(manifest.encoded())
      return (document, [try Self.store(document.bytes, in: directory).hex, blob.hex])
    }
    let first = try referrer(of: ManifestDocument.manifest(image.manifest).descriptor, "signature")
    let second = try referrer(of: first.0.descriptor, "signature of the signature")
    _ = try referrer(of: ManifestDocument.manifest(gone.manifest).descriptor, "of what goes")
    try OCILayoutEditor(Self.path(directory)).remove(.digest(gone.manifest.digest))
    _ = try OCILayoutCollector(Self.path(directory)).run()
    #expect(try Self.blobs(directory) == Self.names(of: image).union(first.1).union(second.1))
  }

  @Test func `nothing is removed when a needed document is damaged`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let image = Self.image(1)
    try Self.add(image, name: "x", to: directory)
    _ = try Self.store([1, 2, 3], in: directory)
    try directory.write("{}", to: "layout/blobs/sha256/\(image.manifest.digest.hex)")
    let before = try Self.blobs(directory)
    #expect(throws: ContentMismatch.self) { try OCILayoutCollector(Self.path(directory)).run() }
    #expect(try Self.blobs(directory) == before)
  }

  @Test func `files of killed writers go, and what is nobody's blob stays`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try Self.add(Self.image(1), name: "x", to: directory)
    let name = "layout/blobs/sha256/"
    try directory.write("12345", to: name + ".abc.cooper-12-34")
    try directory.write("?", to: name + "README")
    let report = try OCILayoutCollector(Self.path(directory)).run()
    #expect(report.leftoverCount == 1 && report.byteCount == 5 && report.digests.isEmpty)
    #expect(!directory.contains(name + ".abc.cooper-12-34") && directory.contains(name + "README"))
  }

  @Test func `a collector waits for a writer that has put blobs and named none`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try Self.add(Self.image(1), name: "x", to: directory)
    let image = Self.image(2)
    let writer = try OCILayoutWriter(at: Self.path(directory))
    for layer in image.layers {
      try writer.add(layer.content, as: layer.descriptor, subject: "layer")
    }
    let path = Self.path(directory)
    async let report = Thread.run { try OCILayoutCollector(path).run() }
    // Long enough that a collector that does not wait would have been there.
    try await Task.sleep(for: .milliseconds(100))
    try writer.add(image.config, digest: image.manifest.value.config.digest)
    try writer.add(image.manifest.bytes, digest: image.manifest.digest)
    try writer.commit(ManifestDocument.manifest(image.manifest).descriptor, name: "y")
    #expect(try await report == OCILayoutCollector.Report())
    #expect(Self.names(of: image).isSubset(of: try Self.blobs(directory)))
  }

  @Test func `copies, deletions and collections at the same time lose nothing that is named`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let shared = TestImage.layer(pattern(2000, seed: 99))
    try Self.add(Self.image(0, shared: shared), name: "first", to: directory)
    let path = Self.path(directory)
    let rounds = 12
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<3 {
        group.addTask {
          try await Thread.run {
            for round in 0..<rounds {
              let name = "\(writer)-\(round)"
              try OCILayoutWriter(at: path).addAll(
                Self.image(1 + writer * rounds + round, shared: shared, size: 500), name: name)
              if round % 3 == 0 { try OCILayoutEditor(path).remove(.name(name)) }
            }
          }
        }
      }
      group.addTask {
        try await Thread.run { for _ in 0..<15 { _ = try OCILayoutCollector(path).run() } }
      }
      try await group.waitForAll()
    }
    _ = try OCILayoutCollector(path).run()
    var needed: Set<String> = Self.names(of: Self.image(0, shared: shared))
    for number in 0..<(3 * rounds) where number % rounds % 3 != 0 {
      needed.formUnion(Self.names(of: Self.image(1 + number, shared: shared, size: 500)))
    }
    #expect(try Self.blobs(directory) == needed)
    let names = try OCILayoutReader(directory: path).entries.compactMap(\.name)
    #expect(names.count == 1 + 3 * rounds * 2 / 3)
  }
}
