import ArchiveIO
import Hashing
import OCIModel

/// The file systems of images, read from their layers.
///
/// Every different layer is read once, several side by side, and a layer that images have in common is read once for all of them.
public struct LayerStack: Sendable {
  /// Layers that are being read at a time: as many as are decompressed at full speed, so that the largest is not behind at the end.
  private static let width = max(2, Thread.width)

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
    let layers = try await read(stacks)
    return try await Thread.run { try Self.apply(layers, stacks.map { $0.map(\.key) }) }
  }

  /// The file system of one image.
  ///
  /// - Throws: as `views`.
  public func view(of image: Image) async throws -> FileSystemView {
    try await views(of: [image]).first ?? FileSystemView()
  }

  /// The file system of one image, and what was learnt of its layers: nil for all of them unless diff IDs are checked.
  ///
  /// - Throws: as `views`.
  public func viewAndFacts(of image: Image) async throws -> (view: FileSystemView, facts: [LayerFacts?]) {
    let stack = Self.keyed(image)
    let layers = try await read([stack])
    let view = try await Thread.run { try Self.apply(layers, [stack.map(\.key)]) }
    return (view.first ?? FileSystemView(), stack.map { layers[$0.key]?.facts })
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

  /// A layer that was read.
  private struct ReadLayer {
    var changes: LayerChanges
    var facts: LayerFacts?
  }

  /// Reads every layer of these images once.
  private func read(_ stacks: [[(key: Key, layer: Layer)]]) async throws -> [Key: ReadLayer] {
    var known: Set<Key> = []
    var layers: [(key: Key, layer: Layer, subject: String)] = []
    for stack in stacks {
      for (number, layer) in stack.enumerated() where known.insert(layer.key).inserted {
        layers.append((layer.key, layer.layer, "layer \(number + 1) of \(stack.count)"))
      }
    }
    // The largest first, so that none of them is left over when the others are done.
    return try await read(
      layers.sorted { $0.layer.descriptor.byteCount > $1.layer.descriptor.byteCount })
  }

  private func read(_ layers: [(key: Key, layer: Layer, subject: String)]) async throws -> [Key: ReadLayer] {
    try await withThrowingTaskGroup(of: (Key, ReadLayer).self) { group in
      var done: [Key: ReadLayer] = [:]
      var count = 0
      layers.prefix(Layer.fetchWidth).forEach { $0.layer.content.prefetch() }
      for (index, item) in layers.enumerated() {
        if index >= Self.width, let (key, read) = try await group.next() {
          done[key] = read
          count += read.changes.changes.count
          guard count <= LayerChanges.memberLimit else { throw FileSystemError.tooLarge }
        }
        layers.dropFirst(index + Layer.fetchWidth).first?.layer.content.prefetch()
        group.addTask {
          (item.key, try await Thread.run { try read(item.layer, item.key, subject: item.subject) })
        }
      }
      for try await (key, read) in group { done[key] = read }
      return done
    }
  }

  private func read(_ layer: Layer, _ key: Key, subject: String) throws -> ReadLayer {
    do { return try readArriving(layer, key, subject: subject) } catch {
      // The layer was read while it arrived. Bytes that were wrong may be the reason, and others may have come instead.
      try layer.content.waitUntilComplete()
      return try readArriving(layer, key, subject: subject)
    }
  }

  private func readArriving(_ layer: Layer, _ key: Key, subject: String) throws -> ReadLayer {
    guard checksDiffIDs else {
      let source = try layer.content.openUncompressed()
      return try LayerError.locating(subject) {
        ReadLayer(changes: try LayerChanges(source, hashingContents: hashesContents))
      }
    }
    let content = CheckedLayer(try UncompressedLayer(layer, hashingOn: Worker()))
    return try LayerError.locating(subject) {
      let changes = try LayerChanges(content, hashingContents: hashesContents)
      let found = try content.facts()
      if case .diffID(let expected) = key, expected.algorithm == .sha256, found.diffID != expected {
        throw ContentMismatch(
          subject: "\(subject), uncompressed", expected: expected, found: found.diffID,
          expectedByteCount: nil, foundByteCount: found.byteCount)
      }
      return ReadLayer(changes: changes, facts: found)
    }
  }

  /// Puts the layers on top of each other; those at the bottom that all have in common, once.
  private static func apply(_ layers: [Key: ReadLayer], _ stacks: [[Key]]) throws -> [FileSystemView] {
    var changes = layers.mapValues(\.changes)
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
