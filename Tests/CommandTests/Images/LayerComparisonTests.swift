import Hashing
import ImageArchive
import OCIModel
import OrderedJSON
import Testing

@testable import cooper

@Suite struct LayerComparisonTests {
  private static func listing(
    _ name: String, layers: [(size: Int64, content: String)], history: [String], compression: String = ""
  ) throws -> LayerListing {
    let diffIDs = layers.map { "\"\(Digest(of: Array($0.content.utf8)))\"" }.joined(separator: ",")
    let config = Array(
      #"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[\#(diffIDs)]},"history":[\#(history.joined(separator: ","))]}"#
        .utf8)
    let descriptors = layers.map {
      Descriptor(
        mediaType: .ociLayerGzip, digest: Digest(of: Array(($0.content + compression).utf8)),
        byteCount: $0.size)
    }
    let manifest = Manifest(
      kind: .oci,
      config: Descriptor(mediaType: .ociConfig, digest: Digest(of: config), byteCount: Int64(config.count)),
      layers: descriptors)
    return try LayerListing(
      Image(manifest: manifest.encoded(), config: config, layers: []), named: name)
  }

  private static let history = [
    #"{"created_by":"/bin/sh -c #(nop) ADD file:abc in / "}"#,
    #"{"created_by":"/bin/sh -c #(nop)  ENV A=1","empty_layer":true}"#,
    #"{"created_by":"RUN /bin/sh -c apt-get update \t&&\n  apt-get \u001b[31minstall"}"#,
  ]

  @Test func `a layer has a bar, its size, the beginning of its digest and one clean line of history`() throws
  {
    let listing = try Self.listing("x", layers: [(2048, "a"), (1024, "b")], history: Self.history)
    let lines = LayerComparison(listing, nil).text(terminalWidth: nil).split(separator: "\n")
    let (a, b) = (Digest(of: Array("a".utf8)).hex.prefix(12), Digest(of: Array("b".utf8)).hex.prefix(12))
    #expect(
      lines == [
        "x, linux/amd64: 2 layers, 3.0 KiB",
        "████████████████████    2.0 KiB  \(a)  ADD file:abc in /",
        #"██████████              1.0 KiB  \#(b)  RUN /bin/sh -c apt-get update && apt-get \u{1b}[31minstall"#,
      ])
  }

  @Test(arguments: [20, 40, 79, 200]) func `a terminal's lines are no longer than it is wide`(width: Int)
    throws
  {
    let listing = try Self.listing("x", layers: [(2048, "a"), (1, "b")], history: Self.history)
    let text = LayerComparison(listing, listing).text(terminalWidth: width)
    let layers = text.split(separator: "\n").filter { $0.contains("█") }
    #expect(layers.count == 4 && layers.allSatisfy { $0.count <= width })
    #expect(layers.contains { $0.hasSuffix("…") } == (width < 100))
  }

  @Test func `history that does not fit the layers is left out`() throws {
    let listing = try Self.listing("x", layers: [(1, "a")], history: Self.history)
    #expect(listing.rows.map(\.command) == [""])
  }

  @Test func `what two images share is marked and summed up, compressed alike or not`() throws {
    let first = try Self.listing("1", layers: [(100, "base"), (10, "x"), (10, "x")], history: [])
    let second = try Self.listing("2", layers: [(60, "base"), (7, "y")], history: [], compression: "gz")
    let comparison = LayerComparison(first, second)
    let marks = comparison.text(terminalWidth: nil).split(separator: "\n").filter { $0.contains("█") }
      .map { $0.hasPrefix("= ") }
    #expect(marks == [true, false, false, true, false])
    let json = JSONValue.object(comparison.json)
    #expect(json["shared"] == ["layers": 1, "size": 100])
    #expect(json["onlyInFirst"] == ["layers": 1, "size": 10])
    #expect(json["onlyInSecond"] == ["layers": 1, "size": 7])
    let shared = json["images"]?.array?.map { $0["layers"]?.array?.map { $0["shared"]?.bool } }
    #expect(shared == [[true, false, false], [true, false]])
  }
}
