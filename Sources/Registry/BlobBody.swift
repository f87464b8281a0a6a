internal import HTTPTransport
internal import OCIModel
internal import Synchronization

/// A part of a blob as the body of one request.
final class BlobBody<Source: BlobUploadSource>: RequestBodySource {
  private let blob: Descriptor
  private let source: Source
  private let subject: String
  private let range: Range<Int64>
  private let state = Mutex((position: Int64(0), control: TransferControl?.none))

  init(_ blob: Descriptor, _ range: Range<Int64>, from source: Source, subject: String) {
    self.blob = blob
    self.range = range
    self.source = source
    self.subject = subject
  }

  var byteCount: Int64? { range.upperBound - range.lowerBound }

  func begin(control: TransferControl) throws {
    state.withLock { $0.control = control }
    try seek(to: 0)
  }

  func seek(to offset: Int64) throws {
    let control = state.withLock { state in
      state.position = range.lowerBound + offset
      return state.control
    }
    try source.begin(at: range.lowerBound + offset) { control?.resume() }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> BodyStep {
    guard let count = try source.read(into: buffer) else { return .notYet }
    let position = state.withLock { state in
      state.position += Int64(count)
      return state.position
    }
    guard count > 0 else {
      throw ContentMismatch(
        subject: subject, expected: blob.digest, found: nil, expectedByteCount: blob.byteCount,
        foundByteCount: position)
    }
    return .bytes(count)
  }
}
