import ArchiveIO
import Hashing
public import OCIModel

/// Checks everything that an image, or an index of images, promises.
///
/// Digests and sizes of all documents and blobs, digests of the decompressed layers, and that config, history, manifest and index agree.
/// Nothing is written, and layers are never held in memory. Several are looked at side by side.
public struct ImageVerifier: Sendable {
  /// What was looked at, and what was found.
  public struct Report: Sendable, Hashable {
    /// What is wrong; empty when nothing is.
    public var findings: [ImageFinding] = []
    /// The number of manifests.
    public var imageCount = 0
    /// The number of different layers.
    public var layerCount = 0
    /// The number of their stored bytes, as the manifests give it.
    public var byteCount: Int64 = 0
  }

  private let source: any ImageSource
  private let platforms: [PlatformRequest]?
  private let describe: @Sendable (any Error) -> String?

  /// A check of `source`: the images for these platforms, or all of them.
  ///
  /// `describe` turns further errors that are findings into what they say, such as those of a registry that lacks a blob. Any other
  /// error ends the check.
  public init(
    _ source: any ImageSource, platforms: [PlatformRequest]? = nil,
    describingFindings describe: @escaping @Sendable (any Error) -> String? = { _ in nil }
  ) {
    self.source = source
    self.platforms = platforms
    self.describe = describe
  }

  /// Checks everything.
  ///
  /// `progress` gets the number of stored bytes as they are read, on several threads.
  public func run(progress: @escaping @Sendable (Int) -> Void = { _ in }) async throws -> Report {
    var state = State()
    try await verify(source.root, entry: nil, depth: 0, &state)
    state.report.layerCount = state.layers.count
    try await verifyLayers(&state, progress: progress)
    state.report.findings.sort { $0.order < $1.order }
    return state.report
  }

  /// What is known while documents are read.
  private struct State {
    var report = Report()
    var layers: [LayerCheck] = []
    var seenLayers: [LayerCheck.Key: Int] = [:]
    var seenDocuments: Set<Digest> = []
  }

  // MARK: Documents

  private func verify(
    _ document: ManifestDocument, entry: Descriptor?, depth: Int, _ state: inout State
  ) async throws {
    switch document {
    case .manifest(let manifest): try await verify(manifest, entry: entry, &state)
    case .index(let index):
      guard depth < OCILayoutReader.depthLimit else {
        let found = "more than \(OCILayoutReader.depthLimit) indexes deep"
        state.report.findings.append(
          ImageFinding(image: "\(index.digest)", field: "content", expected: "an image", found: found))
        return
      }
      for entry in try chosen(of: index.value, depth: depth)
      where state.seenDocuments.insert(entry.digest).inserted {
        let name = entry.imageName
        let next = try await finding(name, nil, entry.mediaType.isIndex ? "index" : "manifest", &state) {
          try await source.document(entry)
        }
        if let next { try await verify(next, entry: entry, depth: depth + 1, &state) }
      }
    }
  }

  private func chosen(of index: ImageIndex, depth: Int) throws -> [Descriptor] {
    guard let platforms, !index.manifests.contains(where: \.mediaType.isIndex) else { return index.manifests }
    return try platforms.map { try index.select($0) }.uniqued()
  }

  private func verify(_ manifest: Encoded<Manifest>, entry: Descriptor?, _ state: inout State) async throws {
    state.report.imageCount += 1
    let image = entry?.imageName ?? "\(manifest.digest)"
    let check = ManifestCheck(manifest: manifest.value, entry: entry, image: image)
    var diffIDs: [Digest] = []
    let config = try await finding(image, nil, "config", &state) {
      let content = try await source.blob(manifest.value.config, subject: "config")
      return try await Thread.run { try ManifestCheck.read(content, limit: ImageConfig.maximumByteCount) }
    }
    if check.isImage, let config {
      let result = check.findings(config: config)
      state.report.findings += result.findings
      diffIDs = result.diffIDs
    }
    for (index, layer) in manifest.value.layers.enumerated() {
      let diffID = diffIDs.count == manifest.value.layers.count ? diffIDs[index] : nil
      let key = LayerCheck.Key(digest: layer.digest, diffID: diffID, byteCount: layer.byteCount)
      guard state.seenLayers[key] == nil else { continue }
      state.seenLayers[key] = state.layers.count
      state.report.byteCount += max(0, layer.byteCount)
      state.layers.append(
        LayerCheck(
          descriptor: layer, diffID: diffID, image: image, number: index + 1,
          count: manifest.value.layers.count, isImage: check.isImage))
    }
  }

  /// The value of `body`, or nil after its error became a finding.
  private func finding<Value>(
    _ image: String, _ layer: Int?, _ subject: String, _ state: inout State, _ body: () async throws -> Value
  ) async throws -> Value? {
    do { return try await body() } catch {
      state.report.findings.append(try finding(error, image, layer, subject))
      return nil
    }
  }

  private func finding(
    _ error: any Error, _ image: String, _ layer: Int?, _ subject: String
  ) throws -> ImageFinding {
    if let finding = ImageFinding(error, image: image, layer: layer, subject: subject) { return finding }
    guard let found = describe(error) else { throw error }
    return ImageFinding(image: image, layer: layer, field: "content", expected: subject, found: found)
  }

  // MARK: Layers

  private func verifyLayers(_ state: inout State, progress: @escaping @Sendable (Int) -> Void) async throws {
    let layers = state.layers
    state.report.findings += try await withThrowingTaskGroup(of: [ImageFinding].self) { group in
      var findings: [ImageFinding] = []
      for (index, layer) in layers.enumerated() {
        if index >= Thread.width, let more = try await group.next() { findings += more }
        group.addTask { try await verify(layer, progress: progress) }
      }
      for try await more in group { findings += more }
      return findings
    }
  }

  private func verify(
    _ layer: LayerCheck, progress: @escaping @Sendable (Int) -> Void
  ) async throws -> [ImageFinding] {
    do {
      let content = try await source.blob(layer.descriptor, subject: layer.subject)
      return try await Thread.run { try layer.findings(in: content, progress: progress) }
    } catch {
      if layer.mayBeMissing(error) { return [] }
      return [try finding(error, layer.image, layer.number, "layer")]
    }
  }
}

extension Descriptor {
  /// What people call this entry of an index.
  fileprivate var imageName: String {
    guard let platform, !isAttestation else { return "\(digest)" }
    return "\(platform)"
  }
}

extension ImageFinding {
  fileprivate var order: (String, Int, String) { (image, layer ?? 0, field) }
}
