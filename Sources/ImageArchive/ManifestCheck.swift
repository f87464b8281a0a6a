import ArchiveIO
import Hashing
import OCIModel

/// Whether a manifest, its config and its entry in an index agree.
struct ManifestCheck {
  let manifest: Manifest
  let entry: Descriptor?
  let image: String

  /// Whether the manifest means to be that of an image, not of an artifact.
  var isImage: Bool {
    if case .notAnImage = manifest.imageKindError { return false }
    return entry?.isAttestation != true
  }

  /// A small blob, whole.
  static func read(_ content: any BlobContent, limit: Int) throws -> [UInt8] {
    let source = BufferedSource(try content.open())
    var bytes: [UInt8] = []
    while true {
      let piece = try source.peek(1)
      if piece.isEmpty { return bytes }
      bytes += piece
      guard bytes.count <= limit else {
        throw DocumentError.tooLarge(byteCount: bytes.count, limit: limit)
      }
      source.skip(piece.count)
    }
  }

  /// What `config` contradicts, and the digests of the layers' uncompressed bytes.
  func findings(config bytes: [UInt8]) -> (findings: [ImageFinding], diffIDs: [Digest]) {
    var findings: [ImageFinding] = []
    func add(_ field: String, expected: String, found: String, layer: Int? = nil) {
      findings.append(
        ImageFinding(image: image, layer: layer, field: field, expected: expected, found: found))
    }
    if case .layerType(let number, _, let type, let kind) = manifest.imageKindError {
      add(
        "media type", expected: "a layer of \(kind == .oci ? "an OCI" : "a Docker") image", found: "\(type)",
        layer: number)
    }
    let config: ImageConfig
    do throws(DocumentError) {
      config = try ImageConfig(bytes)
    } catch {
      add("config", expected: "an image config", found: "\(error)")
      return (findings, [])
    }
    let count = manifest.layers.count
    if config.diffIDs.count != count {
      add("rootfs.diff_ids", expected: "\(count), as there are layers", found: "\(config.diffIDs.count)")
    }
    let steps = config.history.count { !$0.isEmptyLayer }
    if !config.history.isEmpty, steps != count {
      add("history", expected: "\(count) steps with a layer", found: "\(steps)")
    }
    if let platform = entry?.platform, !platform.agrees(with: config.platform) {
      add("platform", expected: "\(platform), as the index says", found: "\(config.platform)")
    }
    return (findings, config.diffIDs)
  }
}

extension Platform {
  /// Whether this platform of an index's entry can be that of an image.
  ///
  /// Builders often leave the variant out on one side.
  fileprivate func agrees(with config: Platform) -> Bool {
    os == config.os && architecture == config.architecture
      && (variant == nil || config.variant == nil || variant == config.variant)
  }
}
