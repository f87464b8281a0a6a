import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct LayerStackTests {
  /// A blob that counts how often it was opened.
  private final class CountedBlob: BlobContent {
    private let blob: MemoryBlob
    private let openings = Mutex(0)
    var count: Int { openings.withLock { $0 } }

    init(_ bytes: [UInt8]) { blob = MemoryBlob(bytes: bytes, piece: 777) }

    func open() throws -> any ByteSource {
      openings.withLock { $0 += 1 }
      return try blob.open()
    }
    func waitUntilComplete() throws {}
    func byteCount() throws -> Int64 { try blob.byteCount() }
    func suffix(_ count: Int) throws -> [UInt8] { try blob.suffix(count) }
  }

  private static func layer(_ tar: [UInt8], _ stored: [UInt8]) -> (Layer, Digest, CountedBlob) {
    let content = CountedBlob(stored)
    let descriptor = Descriptor(
      mediaType: .ociLayerGzip, digest: Digest(of: stored), byteCount: Int64(stored.count))
    return (Layer(descriptor: descriptor, content: content), Digest(of: tar), content)
  }

  private static func image(_ layers: [(Layer, Digest, CountedBlob)]) -> Image {
    TestImage.image(layers.map(\.0), diffIDs: layers.map(\.1))
  }

  @Test func `layers in common are read once, and not at all when there are no others`() async throws {
    let tars = ["base", "a", "b"].map { LayerBytes.tar([($0, Array($0.utf8)), ("x", Array($0.utf8))]) }
    var layers: [(Layer, Digest, CountedBlob)] = []
    for tar in tars { layers.append(Self.layer(tar, try await LayerBytes.gzip(tar))) }
    // The same content, stored in another way.
    let plain = Self.layer(tars[0], tars[0])
    let first = Self.image([layers[0], layers[1]])
    #expect(
      try await LayerStack.differences(
        from: first, to: Self.image([plain, layers[1]]), comparingTimes: false) == [])
    #expect([layers[0].2, layers[1].2, plain.2].map(\.count) == [0, 0, 0])
    let found = try await LayerStack.differences(
      from: first, to: Self.image([plain, layers[2]]), comparingTimes: false)
    #expect(found.map { String(decoding: $0.path.bytes, as: UTF8.self) } == ["a", "b", "x"])
    #expect([layers[0].2, layers[1].2, layers[2].2, plain.2].map(\.count) == [1, 1, 1, 0])
  }

  @Test func `layers in common below, above and twice are in their places`() async throws {
    let (one, two) = (LayerBytes.tar("a", "1"), LayerBytes.tar("a", "2"))
    let (first, second) = (Self.layer(one, one), Self.layer(two, two))
    let stacks = [[first, second, first], [first, second], [first], []]
    let views = try await LayerStack(hashingContents: true).views(of: stacks.map(Self.image))
    #expect(
      views.map { FileSystemViewTests.listing($0) } == [["a=1"], ["a=2"], ["a=1"], []])
    let origin = try views[0].entry(at: FileSystemPath("a".utf8))?.origin
    #expect(origin == FileSystemEntry.Origin(layer: 2, member: 0))
    let alone = try await LayerStack(hashingContents: true).view(of: Self.image(stacks[1]))
    #expect(FileSystemViewTests.listing(alone) == ["a=2"])
  }

  @Test func `what is learnt of layers on the way is told with the files`() async throws {
    let tars = [LayerBytes.tar("a", "1"), LayerBytes.tar([("b", pattern(70_000))])]
    let stored = [try await LayerBytes.gzip(tars[0]), tars[1]]
    let layers = zip(tars, stored).map { Self.layer($0, $1) }
    let stack = LayerStack(hashingContents: false)
    let (view, facts) = try await stack.viewAndFacts(of: Self.image([layers[0], layers[1], layers[0]]))
    let expected = tars.map { LayerFacts(diffID: Digest(of: $0), byteCount: Int64($0.count)) }
    #expect(facts == [expected[0], expected[1], expected[0]])
    #expect(try view.entry(at: FileSystemPath("b".utf8))?.byteCount == 70_000)
    #expect(layers.map { $0.2.count } == [1, 1])
    let unchecked = LayerStack(hashingContents: false, checkingDiffIDs: false)
    #expect(try await unchecked.viewAndFacts(of: Self.image([layers[0]])).facts == [nil])
  }

  @Test func `a layer whose uncompressed bytes are not the promised ones is refused`() async throws {
    let tar = LayerBytes.tar("a", "1")
    let stored = try await LayerBytes.gzip(tar)
    let wrong = Self.layer(LayerBytes.tar("a", "2"), stored)
    await #expect(throws: ContentMismatch.self) {
      try await LayerStack(hashingContents: false).view(of: Self.image([wrong]))
    }
  }

  @Test func `what is no file system is told with its layer`() async throws {
    let good = LayerBytes.tar("a", "1")
    for bad in [TarBytes.archive([.init("../a")]), Array("no tar at all".utf8)] {
      let image = Self.image([Self.layer(good, good), Self.layer(bad, bad)])
      do {
        _ = try await LayerStack(hashingContents: false).view(of: image)
        Issue.record("no error")
      } catch { #expect("\(error)".hasPrefix("layer 2 of 2: "), "\(error)") }
    }
  }
}
