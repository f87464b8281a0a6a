public import ArchiveIO
public import OCIModel
public import SystemPackage

/// One image for one platform: documents whose bytes are fixed, and layers that can be opened.
///
/// Registries, Docker archives and OCI layouts produce such values, and the writers consume them.
public struct Image: Sendable {
  /// The manifest as it was served.
  public let manifest: Encoded<Manifest>
  /// The configuration's bytes, which have the digest that the manifest gives.
  public let config: [UInt8]
  /// The layers, from the base upwards, in the manifest's order.
  public let layers: [Layer]

  /// An image of checked documents.
  public init(manifest: Encoded<Manifest>, config: [UInt8], layers: [Layer]) {
    self.manifest = manifest
    self.config = config
    self.layers = layers
  }
}

/// One layer of an image.
public struct Layer: Sendable {
  /// How many are fetched at a time, where they come from a registry: as many as containers/image does.
  public static let fetchWidth = 6

  /// What the manifest says of the stored, perhaps compressed, bytes.
  public let descriptor: Descriptor
  /// The stored bytes.
  public let content: any BlobContent

  /// A layer.
  public init(descriptor: Descriptor, content: any BlobContent) {
    self.descriptor = descriptor
    self.content = content
  }
}

/// The bytes of a blob, which may still be on their way.
///
/// Every call may block.
public protocol BlobContent: Sendable {
  /// Has the bytes fetched where they come from elsewhere, and returns at once.
  func prefetch()

  /// The stored bytes from the first one on. They count as checked when the end has been reached.
  func open() throws -> any ByteSource

  /// Returns when all bytes are here and have the right digest.
  func waitUntilComplete() throws

  /// The number of stored bytes. Waits until all are here.
  func byteCount() throws -> Int64

  /// The last stored bytes, fewer than `count` when there are not as many. Waits until all are here.
  func suffix(_ count: Int) throws -> [UInt8]
}

/// A blob that is a file of its own, which a destination may take instead of reading it.
public protocol MovableBlob: BlobContent {
  /// Waits until all bytes are here and checked, and gives the file this name; copies it where it cannot be moved.
  func move(to path: FilePath) throws
}
