import Hashing
import OCIModel
import OrderedJSON

/// The layers of one image, or of two with what they share.
struct LayerComparison {
  private let listings: [LayerListing]
  private let digests: [Set<Digest>]
  private let diffIDs: [Set<Digest>]

  init(_ first: LayerListing, _ second: LayerListing?) {
    listings = [first] + (second.map { [$0] } ?? [])
    digests = listings.map { Set($0.rows.map(\.descriptor.digest)) }
    diffIDs = listings.map { Set($0.rows.compactMap(\.diffID)) }
  }

  /// Whether the other image has the layer too, perhaps compressed in another way.
  private func isShared(_ row: LayerListing.Row, of position: Int) -> Bool {
    guard listings.count == 2 else { return false }
    let other = 1 - position
    return digests[other].contains(row.descriptor.digest)
      || row.diffID.map { diffIDs[other].contains($0) } == true
  }

  private func rows(of position: Int, shared: Bool) -> [LayerListing.Row] {
    listings[position].rows.filter { isShared($0, of: position) == shared }
      .uniqued(by: \.descriptor.digest)
  }

  /// The sums, each layer once; those of shared layers as the first image has them.
  private var sums: [(name: String, key: String, rows: [LayerListing.Row])] {
    guard listings.count == 2 else { return [] }
    return [
      ("shared", "shared", rows(of: 0, shared: true)),
      ("only in the first", "onlyInFirst", rows(of: 0, shared: false)),
      ("only in the second", "onlyInSecond", rows(of: 1, shared: false)),
    ]
  }

  // MARK: JSON

  /// Images with their layers, and the sums where there are two.
  var json: JSONObject {
    var object: JSONObject = [
      "images": .array(listings.indices.map { .object(json(of: $0)) })
    ]
    for sum in sums {
      object[sum.key] = [
        "layers": .integer(sum.rows.count), "size": .integer(LayerListing.byteCount(sum.rows)),
      ]
    }
    return object
  }

  private func json(of position: Int) -> JSONObject {
    let listing = listings[position]
    return [
      "name": .string(listing.name), "manifestDigest": .string(listing.manifestDigest.description),
      "platform": .string(listing.platform.description), "size": .integer(listing.byteCount),
      "layers": .array(
        listing.rows.map { row in
          var layer: JSONObject = [
            "digest": .string(row.descriptor.digest.description),
            "diffID": row.diffID.map { .string($0.description) } ?? .null,
            "mediaType": .string(row.descriptor.mediaType.rawValue),
            "size": .integer(row.descriptor.byteCount),
            "createdBy": row.createdBy.map { .string($0) } ?? .null,
          ]
          if listings.count == 2 { layer["shared"] = .bool(isShared(row, of: position)) }
          return .object(layer)
        }),
    ]
  }

  // MARK: Text

  /// A heading and a line for each layer; lines are cut at the width of a terminal, and nowhere else.
  func text(terminalWidth: Int?) -> String {
    let largest = listings.flatMap(\.rows).map(\.descriptor.byteCount).max() ?? 0
    let bar = max(8, min(40, (terminalWidth ?? 80) / 4))
    var blocks = listings.indices.map { position in
      let listing = listings[position]
      let lines = listing.rows.map { row in
        (listings.count == 2 ? isShared(row, of: position) ? "= " : "  " : "")
          + line(row, largest: largest, barWidth: bar)
      }
      let platform = listing.platform.description.printable
      let heading =
        "\(listing.name.printable), \(platform): \(Self.layers(listing.rows.count)), \(ByteCount.text(listing.byteCount))"
      return ([heading] + lines).map { Self.cut($0, to: terminalWidth) }.joined(separator: "\n")
    }
    if !sums.isEmpty {
      let lines = sums.map { sum in
        Self.padded(sum.name, to: 20) + Self.padded(Self.layers(sum.rows.count), to: 12)
          + ByteCount.text(LayerListing.byteCount(sum.rows))
      }
      blocks.append(lines.joined(separator: "\n"))
    }
    return blocks.joined(separator: "\n\n")
  }

  private func line(_ row: LayerListing.Row, largest: Int64, barWidth: Int) -> String {
    let byteCount = max(0, row.descriptor.byteCount)
    let share = largest > 0 ? Double(byteCount) / Double(largest) : 0
    let filled = byteCount == 0 ? 0 : max(1, Int((share * Double(barWidth)).rounded()))
    let bar = Self.padded(String(repeating: "█", count: filled), to: barWidth)
    let size = ByteCount.text(byteCount)
    let space = String(repeating: " ", count: max(0, 10 - size.count))
    let command = row.command
    return "\(bar) \(space)\(size)  \(row.descriptor.digest.hex.prefix(12))"
      + (command.isEmpty ? "" : "  \(command)")
  }

  private static func layers(_ count: Int) -> String { "\(count) layer\(count == 1 ? "" : "s")" }

  private static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func cut(_ line: String, to width: Int?) -> String {
    guard let width, line.count > width else { return line }
    return line.prefix(max(1, width - 1)) + "…"
  }
}
