import Hashing
import ImageArchive
import OCIModel

/// The layers of one image with the steps that made them.
struct LayerListing {
  /// One layer.
  struct Row {
    var descriptor: Descriptor
    /// The digest of the uncompressed bytes, where the config tells it.
    var diffID: Digest?
    /// The command, as the config has it.
    var createdBy: String?
  }

  let name: String
  let platform: Platform
  let manifestDigest: Digest
  /// Lowest first.
  let rows: [Row]

  /// The layers of `image`; config and history need not agree with the manifest in their number.
  init(_ image: Image, named name: String) throws {
    let config = try ImageConfig(image.config)
    let layers = image.manifest.value.layers
    let steps = config.history.filter { !$0.isEmptyLayer }
    self.name = name
    platform = config.platform
    manifestDigest = image.manifest.digest
    rows = layers.enumerated().map { index, layer in
      Row(
        descriptor: layer, diffID: config.diffIDs.count == layers.count ? config.diffIDs[index] : nil,
        createdBy: steps.count == layers.count ? steps[index].createdBy : nil)
    }
  }

  /// The number of stored bytes, each layer once.
  var byteCount: Int64 { Self.byteCount(rows) }

  /// The number of stored bytes of `rows`, each layer once.
  static func byteCount(_ rows: [Row]) -> Int64 {
    rows.uniqued(by: \.descriptor.digest).reduce(0) { $0 + max(0, $1.descriptor.byteCount) }
  }
}

extension LayerListing.Row {
  /// What a person wants to read of the command: one line, without what the classic builder puts in front.
  var command: String {
    var text = createdBy ?? ""
    for prefix in ["/bin/sh -c #(nop) ", "/bin/sh -c #(nop)"] where text.hasPrefix(prefix) {
      text.removeFirst(prefix.count)
      break
    }
    return text.split(whereSeparator: \.isWhitespace).joined(separator: " ").printable
  }
}
