import ArchiveIO
import Hashing
import OCIModel

/// Writes an image as a tar of an OCI image layout.
///
/// Every size is known beforehand, from the descriptors, so the tar is written in one pass to anything.
public struct OCIArchiveWriter: Sendable {
  private let image: Image
  private let name: String?

  /// A writer for `image`, named `name` in `index.json`.
  public init(_ image: Image, name: String?) {
    self.image = image
    self.name = name
  }

  /// Writes the archive, blocking the calling thread.
  ///
  /// `progress` gets the number of bytes of layers as they come. After an error `output` holds part of an archive.
  public func write(to output: ArchiveOutput, progress: @escaping @Sendable (Int) -> Void = { _ in }) throws {
    let target: any SequentialTarget =
      switch output {
      case .file(let file): FileTarget(file)
      case .pipe(let descriptor): PipeTarget(descriptor, computesDigest: false)
      case .nowhere: HashTarget()
      }
    let tar = SequentialTar(target)
    let manifest = image.manifest
    let entry = Descriptor(
      mediaType: manifest.value.mediaType, digest: manifest.digest, byteCount: Int64(manifest.bytes.count))
    try tar.append("oci-layout", OCILayoutIndex.marker)
    try tar.append("index.json", OCILayoutIndex.adding(entry, name: name, to: nil))
    try tar.append(Self.path(manifest.digest), manifest.bytes)
    let config = manifest.value.config
    if config.digest != manifest.digest { try tar.append(Self.path(config.digest), image.config) }
    var written: Set = [manifest.digest, config.digest]
    for (index, layer) in image.layers.enumerated() where written.insert(layer.descriptor.digest).inserted {
      try append(layer, number: index + 1, to: tar, progress: progress)
    }
    try tar.append(TarHeader.endOfArchive)
    _ = try target.finish()
  }

  private func append(
    _ layer: Layer, number: Int, to tar: SequentialTar, progress: @Sendable (Int) -> Void
  ) throws {
    let byteCount = layer.descriptor.byteCount
    // The header promises a size; the bytes are counted against it, but only once they are there.
    try layer.content.waitUntilComplete()
    let found = try layer.content.byteCount()
    guard found == byteCount else {
      throw OCILayoutError.wrongSize(subject: "layer \(number)", expected: byteCount, found: found)
    }
    let source = try layer.content.open()
    try tar.append(
      TarHeader(name: Self.path(layer.descriptor.digest), mode: 0o444, byteCount: byteCount).encoded())
    try tar.append(source, progress: progress)
    try tar.append([UInt8](repeating: 0, count: TarHeader.padding(after: byteCount)))
  }

  private static func path(_ digest: Digest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }
}

/// A tar that is written from front to back.
final class SequentialTar {
  private let target: any SequentialTarget
  private let filler = BlockFiller(BlockPool(blockSize: 1 << 20, limit: 8))

  init(_ target: any SequentialTarget) { self.target = target }

  /// Appends a whole small file.
  func append(_ name: String, _ content: [UInt8]) throws {
    try append(TarHeader(name: name, mode: 0o444, byteCount: Int64(content.count)).encoded())
    try append(content)
    try append([UInt8](repeating: 0, count: TarHeader.padding(after: Int64(content.count))))
  }

  func append(_ bytes: [UInt8]) throws { try append(ArraySource(bytes)) { _ in } }

  func append(_ source: any ByteSource, progress: (Int) -> Void) throws {
    while true {
      let part = try filler.append { try source.read(into: $0) }
      if part.byteCount == 0 { return }
      try target.take(part)
      progress(part.byteCount)
    }
  }
}
