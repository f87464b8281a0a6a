import ArchiveIO
import Hashing
import OCIModel

/// The files of one image in a docker-archive, checked against each other.
struct DockerArchiveContents: Sendable {
  /// One layer.
  struct StoredLayer: Sendable {
    var name: String
    var range: FileRange
    var diffID: Digest
    var subject: String
  }

  private let files: TarFiles
  private let config: (bytes: [UInt8], digest: Digest, range: FileRange)
  private let layers: [StoredLayer]

  /// Finds the files of `item`, and reads its config.
  init(_ item: DockerArchiveList.Item, files: TarFiles) throws {
    self.files = files
    let range = try files.requiredFile(item.config, subject: "config")
    let bytes = try files.document(item.config, limit: ImageConfig.maximumByteCount, subject: "config")
    config = (bytes, Digest(of: bytes), range)
    if let promised = Self.digest(namedBy: item.config), promised != config.digest {
      throw ContentMismatch(
        subject: "config", expected: promised, found: config.digest, expectedByteCount: nil,
        foundByteCount: Int64(bytes.count))
    }
    let diffIDs: [Digest]
    do throws(DocumentError) {
      diffIDs = try ImageConfig(bytes).diffIDs
    } catch {
      throw ImageArchiveError(files.path, .document("config", error))
    }
    guard diffIDs.count == item.layers.count else {
      throw ImageArchiveError(files.path, .layerCount(item.layers.count, diffIDs: diffIDs.count))
    }
    layers = try zip(item.layers, diffIDs).enumerated().map { index, layer in
      let subject = "layer \(index + 1) of \(diffIDs.count)"
      let range = try files.requiredFile(layer.0, subject: subject)
      return StoredLayer(name: layer.0, range: range, diffID: layer.1, subject: subject)
    }
    try checkRanges()
  }

  /// The digest in names like `HEX.json`, `sha256:HEX` and `blobs/sha256/HEX`.
  private static func digest(namedBy name: String) -> Digest? {
    let last = name.split(separator: "/").last ?? ""
    let stem = last.hasSuffix(".json") ? last.dropLast(5) : last
    return try? Digest(parsing: stem.hasPrefix("sha256:") ? String(stem) : "sha256:\(stem)")
  }

  private func checkRanges() throws {
    var first: [Int64: Int] = [:]
    for (index, layer) in layers.enumerated() {
      if layer.range.offset == config.range.offset {
        throw ImageArchiveError(files.path, .layerIsConfig(index + 1))
      }
      let other = first[layer.range.offset] ?? index
      first[layer.range.offset] = other
      guard layers[other].diffID == layer.diffID else {
        throw ImageArchiveError(files.path, .sharedLayer(layer.name, other + 1, index + 1))
      }
    }
  }

  // MARK: The manifest that is there

  /// The image with the archive's own OCI manifest, when there is one for exactly these files (Docker 25 and newer).
  func originalManifest() throws -> (any ImageSource)? {
    guard files.index.contains("oci-layout"), files.index.contains("index.json") else { return nil }
    let layout = try OCILayoutReader(files)
    var found: LayoutImage?
    try layout.forEachManifest { entry in
      guard entry.mediaType.isManifest, try files.file(entry.digest.layoutName) != nil,
        case .manifest(let manifest) = try files.document(entry), try isOurs(manifest.value)
      else { return true }
      found = LayoutImage(root: .manifest(manifest), files: files)
      return false
    }
    return found
  }

  private func isOurs(_ manifest: Manifest) throws -> Bool {
    guard manifest.config.digest == config.digest, manifest.config.byteCount == Int64(config.bytes.count),
      manifest.layers.count == layers.count, manifest.imageKindError == nil
    else { return false }
    for (descriptor, layer) in zip(manifest.layers, layers) {
      guard let range = try files.file(descriptor.digest.layoutName), range.offset == layer.range.offset,
        range.byteCount == descriptor.byteCount, layer.range.byteCount == descriptor.byteCount
      else { return false }
    }
    return true
  }

  // MARK: A new manifest

  /// The image with a manifest made from what is stored.
  func synthesized() async throws -> DockerArchiveImage {
    let measured = try await measure()
    let kind: ManifestKind = measured.contains { $0.encoding == .zstd } ? .oci : .docker
    var parts = [config.digest: DockerArchiveImage.Part(range: config.range)]
    var descriptors: [Descriptor] = []
    for layer in measured {
      guard let type = MediaType.layer(layer.encoding, in: kind) else {
        preconditionFailure("no type for a layer in \(layer.encoding)")
      }
      parts[layer.digest] = layer.part
      descriptors.append(Descriptor(mediaType: type, digest: layer.digest, byteCount: layer.byteCount))
    }
    let manifest = Manifest(
      kind: kind,
      config: Descriptor(
        mediaType: kind == .oci ? .ociConfig : .dockerConfig, digest: config.digest,
        byteCount: Int64(config.bytes.count)), layers: descriptors)
    return DockerArchiveImage(root: .manifest(manifest.encoded()), path: files.path, parts: parts)
  }

  /// Digests and sizes of the layers, each file looked at once, as many at a time as there are cores.
  private func measure() async throws -> [MeasuredLayer] {
    var distinct: Set<Int64> = []
    let files = layers.filter { distinct.insert($0.range.offset).inserted }
    let measured = try await withThrowingTaskGroup(of: MeasuredLayer.self) { group in
      var results: [Int64: MeasuredLayer] = [:]
      for (index, layer) in files.enumerated() {
        if index >= Thread.width, let done = try await group.next() { results[done.offset] = done }
        group.addTask { try await Thread.run { try MeasuredLayer(layer) } }
      }
      for try await done in group { results[done.offset] = done }
      return results
    }
    return layers.compactMap { measured[$0.range.offset] }
  }
}
