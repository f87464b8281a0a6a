public import ArchiveIO
public import Hashing
public import OCIModel

extension Image {
  /// The image that is the root of `source`; its config is read and its layers are not.
  ///
  /// - Throws: `NotAnImage` when the root is an index, and what reading the config throws.
  public init(_ source: any ImageSource) async throws {
    guard case .manifest(let manifest) = source.root else { throw NotAnImage(document: source.root) }
    try manifest.value.requireImage()
    let config = try await source.config(of: manifest.value)
    let count = manifest.value.layers.count
    var layers: [Layer] = []
    for (index, descriptor) in manifest.value.layers.enumerated() {
      let subject = "layer \(index + 1) of \(count)"
      layers.append(
        Layer(descriptor: descriptor, content: try await source.blob(descriptor, subject: subject)))
    }
    self.init(manifest: manifest, config: config, layers: layers)
  }
}

extension BlobContent {
  /// Does nothing: the bytes are here, or on their way.
  public func prefetch() {}

  /// The bytes, decompressed by how they begin.
  public func openUncompressed() throws -> any ByteSource {
    let stored = BufferedSource(try open())
    let compression = Compression(firstBytes: try stored.peek(Compression.signatureByteCount))
    return try compression.decompress(stored)
  }

  /// All bytes of a small blob, checked.
  func readAll(limit: Int) throws -> [UInt8] {
    guard try byteCount() <= Int64(limit) else { throw NotAnImage.configTooLarge(limit) }
    let source = try open()
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    let count = try bytes.withUnsafeMutableBytes { try source.readFully(into: $0) }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}

/// Something else than an image, where one image is needed.
public struct NotAnImage: Error, CustomStringConvertible {
  /// One line for people.
  public let description: String

  init(document: ManifestDocument) {
    description = "\(document.digest) is an index; choose one of its platforms by --os, --arch and --variant"
  }

  private init(_ description: String) { self.description = description }

  static func configTooLarge(_ limit: Int) -> NotAnImage {
    NotAnImage("the image config has more than \(limit) bytes")
  }
}

/// One entry of an index, as a place to copy from.
public struct ChosenImage: ImageSource {
  /// The manifest of the platform.
  public let root: ManifestDocument
  private let base: any ImageSource

  /// The image for `platform` where the root of `base` is an index, and `base` itself otherwise.
  ///
  /// - Throws: `SelectionError` when there is none.
  public init(_ base: any ImageSource, for platform: PlatformRequest) async throws {
    self.base = base
    if case .index(let index) = base.root {
      root = try await base.document(index.value.select(platform))
    } else {
      root = base.root
    }
  }

  /// See `ImageSource`.
  public func document(_ descriptor: Descriptor) async throws -> ManifestDocument {
    try await base.document(descriptor)
  }

  /// See `ImageSource`.
  public func blob(_ descriptor: Descriptor, subject: String) async throws -> any BlobContent {
    try await base.blob(descriptor, subject: subject)
  }

  /// See `ImageSource`.
  public func referrers(of digest: Digest) async throws -> [Descriptor] {
    try await base.referrers(of: digest)
  }

  /// See `ImageSource`.
  public func origins(of blob: Descriptor) -> [Reference] { base.origins(of: blob) }
}
