import Hashing
import Synchronization
import TestSupport

/// A registry that serves one image from memory, correctly unless a test says otherwise.
///
/// Speaks plain HTTP on a port of 127.0.0.1. Blobs are given by Range where that is asked for.
final class MemoryRegistry: Sendable {
  /// Changes the right answer to a request. `count` tells how many requests for the same target there were before.
  typealias Fault =
    @Sendable (_ request: RecordedRequest, _ count: Int, _ reply: ScriptedReply) -> ScriptedReply

  /// `127.0.0.1:PORT/image@DIGEST`.
  let reference: String
  let server: ScriptedServer

  /// Serves `image` with a manifest's `Content-Type` taken from the manifest itself unless `contentType` is given.
  init(_ image: StoredImage, contentType: String? = nil, _ fault: @escaping Fault = { $2 }) throws {
    let counts = Mutex<[String: Int]>([:])
    server = try ScriptedServer { request in
      let count = counts.withLock { counts in
        defer { counts[request.target, default: 0] += 1 }
        return counts[request.target, default: 0]
      }
      return fault(request, count, Self.rightAnswer(to: request, image, contentType))
    }
    reference = "127.0.0.1:\(server.port)/image@\(image.digest)"
  }

  func stop() { server.stop() }

  /// The requests for a blob.
  func requests(for digest: Digest) -> [RecordedRequest] {
    server.requests.filter { $0.path == Self.blobPath(digest) }
  }

  static func blobPath(_ digest: Digest) -> String { "/v2/image/blobs/\(digest)" }

  private static func rightAnswer(
    to request: RecordedRequest, _ image: StoredImage, _ contentType: String?
  ) -> ScriptedReply {
    let name = String(request.path.split(separator: "/").last ?? "")
    let digest = try? Digest(parsing: name)
    if request.path.hasPrefix("/v2/image/manifests/"),
      let bytes = image.manifests[digest ?? image.digest]
    {
      return .ok(
        bytes,
        [
          "Content-Type": contentType ?? mediaType(of: bytes),
          "Docker-Content-Digest": "\(digest ?? image.digest)",
        ])
    }
    if request.path.hasPrefix("/v2/image/blobs/"), let digest, let bytes = image.blobs[digest] {
      return blob(bytes, range: request.header("range"))
    }
    if request.path == "/v2/" { return .ok("{}") }
    return .status(404, Array(#"{"errors":[{"code":"NAME_UNKNOWN","message":"nothing here"}]}"#.utf8))
  }

  /// A blob, or the rest of it from the first byte of `bytes=N-`.
  static func blob(_ bytes: [UInt8], range: String?) -> ScriptedReply {
    guard let range, range.hasPrefix("bytes="), range.hasSuffix("-"),
      let first = Int(range.dropFirst(6).dropLast())
    else { return .ok(bytes) }
    guard first < bytes.count else { return .status(416) }
    return .status(
      206, Array(bytes[first...]), ["Content-Range": "bytes \(first)-\(bytes.count - 1)/\(bytes.count)"])
  }

  /// What the document calls itself.
  private static func mediaType(of manifest: [UInt8]) -> String {
    let text = String(decoding: manifest.prefix(1000), as: UTF8.self)
    let types = [
      ImageSpec.Format.oci.indexType, ImageSpec.Format.docker.indexType, ImageSpec.Format.docker.manifestType,
    ]
    return types.first { text.contains("\"schemaVersion\":2,\"mediaType\":\"\($0)\"") }
      ?? ImageSpec.Format.oci.manifestType
  }
}

/// The images that most tests pull.
enum Sample {
  /// Two small layers, not compressed, so that offsets into them are the test's to choose.
  static let spec: ImageSpec = {
    var random = SeededGenerator(seed: 7)
    return ImageSpec(
      .oci,
      layers: [
        .init(LayerBytes.tar("etc/first", "one\n"), type: ImageSpec.Format.oci.plainType),
        .init(LayerBytes.tar([("usr/lib/second", random.bytes(5000))]), type: ImageSpec.Format.oci.plainType),
      ])
  }()

  static let image = spec.stored
  /// The digest of the first layer.
  static let firstLayer = Digest(of: spec.layers[0].stored)
  /// The digest of the second layer.
  static let secondLayer = Digest(of: spec.layers[1].stored)
  static let config = Digest(of: spec.config)

  /// What a pull of `image` without faults writes.
  static var archive: [UInt8] {
    get async throws { try await archiveTask.value }
  }

  private static let archiveTask = Task { try await undisturbedArchive(of: image) }

  /// What a pull of an image from a registry without faults writes; PullBytesTests shows that it is right.
  static func undisturbedArchive(of image: StoredImage) async throws -> [UInt8] {
    let registry = try MemoryRegistry(image)
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(registry.reference)
    guard outcome.status == 0, let archive = outcome.archive else {
      throw TestSupportError.failed(command: "cooper pull", status: outcome.status, errors: outcome.errors)
    }
    return archive
  }

  /// An image with one large layer of random bytes.
  static func large(byteCount: Int, seed: UInt64) -> ImageSpec {
    var random = SeededGenerator(seed: seed)
    var content: [UInt8] = []
    content.reserveCapacity(byteCount)
    while content.count < byteCount { withUnsafeBytes(of: random.next()) { content.append(contentsOf: $0) } }
    let layer = LayerBytes.tar([("data", content)])
    return ImageSpec(.oci, layers: [.init(layer, type: ImageSpec.Format.oci.plainType)])
  }
}
