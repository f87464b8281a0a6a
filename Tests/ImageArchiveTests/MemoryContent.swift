import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import Synchronization
import SystemPackage
import TestSupport

/// A blob in memory.
///
/// It can be told to give other bytes first, and then say that all must be read again.
final class MemoryContent: BlobContent {
  private let bytes: [UInt8]
  private let falseStarts: Mutex<Int>

  init(_ bytes: [UInt8], falseStarts: Int = 0) {
    self.bytes = bytes
    self.falseStarts = Mutex(falseStarts)
  }

  func open() throws -> any ByteSource {
    let isFalse = falseStarts.withLock { count in
      guard count > 0 else { return false }
      count -= 1
      return true
    }
    return isFalse ? FalseStart(bytes) : ArraySource(bytes)
  }

  func waitUntilComplete() throws {}
  func byteCount() throws -> Int64 { Int64(bytes.count) }
  func suffix(_ count: Int) throws -> [UInt8] { Array(bytes.suffix(count)) }
}

/// Half of the bytes, and then the news that they were wrong.
private final class FalseStart: ByteSource {
  private let half: ArraySource
  init(_ bytes: [UInt8]) { half = ArraySource(Array(bytes.prefix(bytes.count / 2))) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try half.read(into: buffer)
    if count == 0 { throw SpoolRestarted() }
    return count
  }
}

extension Image {
  /// An image of stored layers, with a configuration that names the given diff IDs.
  init(stored layers: [[UInt8]], diffIDs: [Digest], falseStarts: Int = 0) {
    let list = diffIDs.map { "\"\($0)\"" }.joined(separator: ",")
    let config = Array(
      #"{"architecture":"amd64","os":"linux","config":{"Cmd":["a","<b>"]},"rootfs":{"type":"layers","diff_ids":[\#(list)]}}"#
        .utf8)
    let descriptors = layers.map {
      Descriptor(mediaType: .ociLayerGzip, digest: Digest(of: $0), byteCount: Int64($0.count))
    }
    let configDescriptor = Descriptor(
      mediaType: .ociConfig, digest: Digest(of: config), byteCount: Int64(config.count))
    let manifest = Manifest(kind: .oci, config: configDescriptor, layers: descriptors)
    self.init(
      manifest: manifest.encoded(), config: config,
      layers: zip(descriptors, layers).map {
        Layer(descriptor: $0, content: MemoryContent($1, falseStarts: falseStarts))
      })
  }
}

extension DockerArchiveWriter {
  /// The archive, written to a file.
  func written(in directory: TemporaryDirectory) throws -> (bytes: [UInt8], digest: Digest?) {
    let file = try NewFile(at: FilePath(directory.appending("archive.tar")))
    let summary = try write(to: .file(file.file), computingDigest: true)
    try file.commit()
    return (try directory.read("archive.tar"), summary.digest)
  }

  /// The archive, written to a pipe.
  func piped() async throws -> (bytes: [UInt8], digest: Digest?) {
    let ends = try FileDescriptor.pipe()
    let reading = Promise<[UInt8]>()
    Thread.detach {
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65536)
      while let count = try? buffer.withUnsafeMutableBytes({ try ends.readEnd.read(into: $0) }), count > 0 {
        bytes += buffer[..<count]
      }
      reading.fulfil(.success(bytes))
    }
    let summary = try await Thread.run {
      defer { try? ends.writeEnd.close() }
      return try write(to: .pipe(ends.writeEnd), computingDigest: true)
    }
    defer { try? ends.readEnd.close() }
    return (try await Thread.run { try reading.value() }, summary.digest)
  }
}
