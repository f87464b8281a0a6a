import Synchronization

/// Gives the bytes of a request's body while it is sent.
///
/// Called on the transport's own thread, so it must not wait for anything but a disk: what has no bytes yet says
/// so, and resumes the transfer when it has. After the request has ended, it is not called any more.
public protocol RequestBodySource: AnyObject, Sendable {
  /// The length of the body, sent as `Content-Length`.
  ///
  /// Nil when it is not known; the body is then sent in chunks, which not every server takes. Must not change.
  var byteCount: Int64? { get }

  /// Goes to the first byte. Called before the first `read` of each request that the source is used for.
  ///
  /// `control` may be kept as long as the request runs.
  func begin(control: TransferControl) throws

  /// Goes to the byte at `offset`, to send it once more: a connection that was kept may turn out dead.
  func seek(to offset: Int64) throws

  /// Writes the next bytes to the beginning of `buffer`, which is not empty and has no room for more than the
  /// body's rest.
  ///
  /// - Throws: Anything; the request ends with that error.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> BodyStep
}

/// What a body's source had to give.
public enum BodyStep: Sendable, Hashable {
  /// That many bytes, at least 1.
  case bytes(Int)
  /// None yet; the source is asked again after `TransferControl.resume()`.
  case notYet
  /// None any more.
  case end
}

/// A body in memory.
public final class MemoryBody: RequestBodySource {
  private let bytes: [UInt8]
  private let position = Atomic(0)

  /// A body of these bytes.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The number of bytes.
  public var byteCount: Int64? { Int64(bytes.count) }

  /// See `RequestBodySource`.
  public func begin(control: TransferControl) { position.store(0, ordering: .relaxed) }

  /// See `RequestBodySource`.
  public func seek(to offset: Int64) {
    position.store(min(max(0, Int(offset)), bytes.count), ordering: .relaxed)
  }

  /// See `RequestBodySource`.
  public func read(into buffer: UnsafeMutableRawBufferPointer) -> BodyStep {
    let start = position.load(ordering: .relaxed)
    let count = min(buffer.count, bytes.count - start)
    guard count > 0 else { return .end }
    bytes.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
    }
    position.store(start + count, ordering: .relaxed)
    return .bytes(count)
  }
}
