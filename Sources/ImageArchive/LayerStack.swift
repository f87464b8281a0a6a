import ArchiveIO
import Glibc
import Hashing
import OCIModel

/// The file systems of images, read from their layers.
///
/// Every different layer is read once, several side by side, and a layer that images have in common is read once for all of them.
public struct LayerStack: Sendable {
  /// Layers that are being fetched at a time, where they come from a registry: as many as containers/image does.
  private static let fetches = 6
  /// Layers that are being read at a time: as many as are decompressed at full speed, so that the largest is not behind at the end.
  private static let width = max(2, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  /// What of the files is wanted besides their headers.
  public let hashesContents: Bool
  /// Whether uncompressed bytes are compared with the diff IDs of the configuration; stored bytes are always checked.
  public let checksDiffIDs: Bool

  /// Reads layers, and hashes the contents of files where `hashingContents` says so.
  public init(hashingContents: Bool, checkingDiffIDs: Bool = true) {
    hashesContents = hashingContents
    checksDiffIDs = checkingDiffIDs
  }

  /// The file systems of `images`, in order.
  ///
  /// - Throws: `LayerError` for a layer that cannot be applied, and what reading throws.
  public func views(of images: [Image]) async throws -> [FileSystemView] {
    let stacks = images.map(Self.keyed)
    var layers: [Key: (layer: Layer, subject: String)] = [:]
    var order: [Key] = []
    for stack in stacks {
      for (number, layer) in stack.enumerated() where layers[layer.key] == nil {
        layers[layer.key] = (layer.layer, "layer \(number + 1) of \(stack.count)")
        order.append(layer.key)
      }
    }
    let changes = try await read(order.compactMap { key in layers[key].map { (key, $0.layer, $0.subject) } })
    return try await Thread.run { try Self.apply(changes, stacks.map { $0.map(\.key) }) }
  }

  /// The file system of one image.
  ///
  /// - Throws: as `views`.
  public func view(of image: Image) async throws -> FileSystemView {
    try await views(of: [image]).first ?? FileSystemView()
  }

  /// Where the file system of `second` differs from that of `first`.
  ///
  /// Nothing is read when both have the same layers.
  public static func differences(
    from first: Image, to second: Image, comparingTimes: Bool
  ) async throws -> [FileSystemDifference] {
    if keyed(first).map(\.key) == keyed(second).map(\.key) { return [] }
    let views = try await LayerStack(hashingContents: true).views(of: [first, second])
    return try await Thread.run { views[0].differences(from: views[1], comparingTimes: comparingTimes) }
  }

  /// What makes two layers the same: their uncompressed bytes, or where the config does not tell them the stored ones.
  private enum Key: Hashable {
    case diffID(Digest)
    case stored(Digest)
  }

  private static func keyed(_ image: Image) -> [(key: Key, layer: Layer)] {
    let diffIDs = (try? ImageConfig(image.config))?.diffIDs ?? []
    return image.layers.enumerated().map { index, layer in
      let isTold = diffIDs.count == image.layers.count
      return (isTold ? .diffID(diffIDs[index]) : .stored(layer.descriptor.digest), layer)
    }
  }

  private func read(_ layers: [(key: Key, layer: Layer, subject: String)]) async throws -> [Key: LayerChanges]
  {
    try await withThrowingTaskGroup(of: (Key, LayerChanges).self) { group in
      var changes: [Key: LayerChanges] = [:]
      var count = 0
      // The largest first, so that none of them is left over when the others are done.
      let layers = layers.sorted { $0.layer.descriptor.byteCount > $1.layer.descriptor.byteCount }
      layers.prefix(Self.fetches).forEach { $0.layer.content.prefetch() }
      for (index, item) in layers.enumerated() {
        if index >= Self.width, let (key, read) = try await group.next() {
          changes[key] = read
          count += read.changes.count
          guard count <= LayerChanges.memberLimit else { throw FileSystemError.tooLarge }
        }
        layers.dropFirst(index + Self.fetches).first?.layer.content.prefetch()
        group.addTask {
          (item.key, try await Thread.run { try changesOf(item.layer, item.key, subject: item.subject) })
        }
      }
      for try await (key, read) in group { changes[key] = read }
      return changes
    }
  }

  private func changesOf(_ layer: Layer, _ key: Key, subject: String) throws -> LayerChanges {
    do { return try readChanges(of: layer, key, subject: subject) } catch {
      // The layer was read while it arrived. Bytes that were wrong may be the reason, and others may have come instead.
      try layer.content.waitUntilComplete()
      return try readChanges(of: layer, key, subject: subject)
    }
  }

  private func readChanges(of layer: Layer, _ key: Key, subject: String) throws -> LayerChanges {
    guard checksDiffIDs else {
      let source = try layer.content.openUncompressed()
      return try LayerError.locating(subject) {
        try LayerChanges(source, hashingContents: hashesContents)
      }
    }
    let content = CheckedLayer(try UncompressedLayer(layer, hashingOn: Worker()))
    return try LayerError.locating(subject) {
      let changes = try LayerChanges(content, hashingContents: hashesContents)
      if case .diffID(let expected) = key, expected.algorithm == .sha256 {
        let found = try content.facts()
        guard found.diffID == expected else {
          throw ContentMismatch(
            subject: "\(subject), uncompressed", expected: expected, found: found.diffID,
            expectedByteCount: nil, foundByteCount: found.byteCount)
        }
      }
      return changes
    }
  }

  /// Puts the layers on top of each other; those at the bottom that all have in common, once.
  private static func apply(_ changes: [Key: LayerChanges], _ stacks: [[Key]]) throws -> [FileSystemView] {
    var changes = changes
    let first = stacks.first ?? []
    let common = first.indices.first { index in
      stacks.contains { index >= $0.count || $0[index] != first[index] }
    }
    let bottom = first[..<(common ?? first.count)]
    var base = FileSystemView()
    try apply(bottom, of: changes, to: &base, count: first.count)
    // What is not needed again need not be kept.
    for key in Set(bottom).subtracting(stacks.flatMap { $0[bottom.endIndex...] }) { changes[key] = nil }
    return try stacks.map { keys in
      var view = base
      try apply(keys[bottom.endIndex...], of: changes, to: &view, count: keys.count)
      return view
    }
  }

  private static func apply(
    _ keys: ArraySlice<Key>, of changes: [Key: LayerChanges], to view: inout FileSystemView, count: Int
  ) throws {
    for (number, key) in zip(keys.indices, keys) {
      guard let layer = changes[key] else { preconditionFailure("a layer was not read") }
      try LayerError.locating("layer \(number + 1) of \(count)") { try view.apply(layer, number: number) }
    }
  }
}

/// The uncompressed bytes of a layer, hashed on another thread while they are read.
private final class CheckedLayer: ByteSource {
  private let layer: UncompressedLayer
  private let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 4))

  init(_ layer: UncompressedLayer) { self.layer = layer }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let part = try filler.append { space in
      try layer.read(into: UnsafeMutableRawBufferPointer(rebasing: space.prefix(buffer.count)))
    }
    part.withBytes { bytes in
      bytes.withUnsafeBytes { buffer.copyMemory(from: $0) }
    }
    if part.byteCount > 0 { try layer.hash(part) }
    return part.byteCount
  }

  func facts() throws -> LayerFacts { try layer.facts() }
}

/// A layer that is no tar, or that cannot be put on top of those below.
public struct LayerError: Error, Sendable, CustomStringConvertible {
  /// The layer: `layer 2 of 5`.
  public let subject: String
  /// What is wrong: `TarError` or `FileSystemError`.
  public let reason: any Error & Sendable

  /// One line for people.
  public var description: String { "\(subject): \(reason)" }

  static func locating<Value>(_ subject: String, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as TarError {
      throw LayerError(subject: subject, reason: error)
    } catch let error as FileSystemError {
      throw LayerError(subject: subject, reason: error)
    }
  }
}
