internal import HTTPTransport
internal import OCIModel
internal import Synchronization

/// Why an answer with a success status is not what was asked for.
enum BlobAnswerProblem: Error {
  /// A part that does not begin where we are, or of something else.
  case unfittingPart(String)
  /// The length contradicts the descriptor.
  case wrongLength(Int64)
}

/// Hands the body of one attempt to a blob's receiver, from the byte on that the receiver wants next.
final class BlobPayload<Receiver: BlobReceiver>: ResponseReceiver {
  private struct State {
    /// Bytes to come that the receiver has already.
    var repeated: Int64 = 0
    var contentEncoding: String?
  }

  private let receiver: Receiver
  /// The first byte that is wanted.
  private let offset: Int64
  /// The blob's length where it is known and counts.
  private let byteCount: Int64?
  /// Called when the transfer goes on in the middle.
  private let resumed: @Sendable () -> Void
  private let state = Mutex(State())

  init(
    _ receiver: Receiver, offset: Int64, byteCount: Int64?, resumed: @escaping @Sendable () -> Void = {}
  ) {
    self.receiver = receiver
    self.offset = offset
    self.byteCount = byteCount
    self.resumed = resumed
  }

  /// `Content-Encoding` of the answer, which nobody asked for.
  var contentEncoding: String? { state.withLock { $0.contentEncoding } }

  func begin(_ response: HTTPResponse, control: TransferControl) throws -> Bool {
    let encoding = response.headers.first("content-encoding").flatMap {
      $0 == "identity" ? nil : $0.printable
    }
    let start = try firstByte(of: response)
    // The length of an encoded body is not the blob's.
    if let byteCount, encoding == nil, let length = response.contentLength, start + length != byteCount {
      throw BlobAnswerProblem.wrongLength(start + length)
    }
    state.withLock { $0 = State(repeated: offset - start, contentEncoding: encoding) }
    receiver.setResumption { control.resume() }
    if start > 0 { resumed() }
    return true
  }

  private func firstByte(of response: HTTPResponse) throws -> Int64 {
    guard response.status == 206 else { return 0 }
    let field = response.headers.first("content-range") ?? "none"
    guard let range = ContentRange(field), range.first == offset,
      byteCount == nil || range.total == nil || range.total == byteCount
    else { throw BlobAnswerProblem.unfittingPart(field.printable) }
    return offset
  }

  func receive(_ bytes: RawSpan) throws -> Bool {
    let repeated = state.withLock { $0.repeated }
    guard repeated < Int64(bytes.byteCount) else {
      state.withLock { $0.repeated -= Int64(bytes.byteCount) }
      return true
    }
    let news = bytes.extracting(Int(repeated)...)
    if let byteCount, receiver.receivedByteCount + Int64(news.byteCount) > byteCount {
      throw BlobAnswerProblem.wrongLength(byteCount + 1)
    }
    guard try receiver.receive(news) else { return false }
    if repeated > 0 { state.withLock { $0.repeated = 0 } }
    return true
  }
}
