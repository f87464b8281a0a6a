public import ArchiveIO
import Hashing
public import ImageArchive
import SystemPackage

/// A layer that can be made as often as it is wanted, always with the same bytes.
public protocol LayerRecipe: Sendable {
  /// The bytes as they go into an archive, from the first one on.
  func open() throws -> any ByteSource

  /// The number of those bytes, learnt without reading content.
  func byteCount() throws -> Int64

  /// Whether the bytes are compressed, so that the layer's diff ID is not their digest.
  var isCompressed: Bool { get }

  /// A text that is the same only for the same bytes; nil when there is no way to tell without reading them.
  func fingerprint() throws -> String?
}

extension LayerRecipe {
  /// Not compressed, unless a recipe says so.
  public var isCompressed: Bool { false }

  /// None, unless a recipe knows one.
  public func fingerprint() throws -> String? { nil }

  /// Makes the layer and forgets it, to learn its digest.
  public func measure() throws -> LayerFacts {
    let stored = BufferedSource(try open())
    let compression =
      isCompressed
      ? Compression(firstBytes: try stored.peek(Compression.signatureByteCount)) : .none
    let source = try compression.decompress(stored)
    var hasher = ContentHasher(.sha256)
    var count: Int64 = 0
    // As large as the processor's cache likes it: the bytes are hashed while they are still there.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    defer { buffer.deallocate() }
    while true {
      let piece = try source.read(into: buffer)
      if piece == 0 { break }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<piece]).bytes)
      count += Int64(piece)
    }
    return LayerFacts(diffID: hasher.finalize(), byteCount: isCompressed ? try byteCount() : count)
  }
}

/// A layer that is part of a file: the `layer.tar` of a customisation layer, a layer of a base image's archive.
public struct FileLayer: LayerRecipe {
  private let range: FileRange
  /// See `LayerRecipe`.
  public let isCompressed: Bool

  /// A layer of the bytes of `range`.
  public init(_ range: FileRange) throws {
    self.range = range
    let start = try range.prefix(Compression.signatureByteCount)
    // A tar's first member may have a name like this, so a sound header counts more.
    isCompressed = Compression(firstBytes: start) != .none && !Self.beginsAsTar(range)
  }

  private static func beginsAsTar(_ range: FileRange) -> Bool {
    (try? TarReader(range.open(windowSize: 16 << 10)).next()) != nil
  }

  /// See `LayerRecipe`.
  public func open() throws -> any ByteSource { range.open() }

  /// See `LayerRecipe`.
  public func byteCount() throws -> Int64 { range.byteCount }
}
