internal import HTTPTransport
internal import Synchronization

/// Ends a transfer whose error body is longer than anybody reads.
struct EnoughRead: Error {}

/// Gives the body of a success to the payload and keeps the beginning of any other.
final class AnswerReceiver<Payload: ResponseReceiver>: ResponseReceiver {
  private struct State {
    var response: HTTPResponse?
    var body: [UInt8] = []
  }

  private let payload: Payload
  private let state = Mutex(State())

  init(_ payload: Payload) { self.payload = payload }

  /// The head, once it came: also when the transfer failed later.
  var response: HTTPResponse? { state.withLock { $0.response } }

  /// The beginning of an error's body.
  var body: [UInt8] { state.withLock { $0.body } }

  func begin(_ response: HTTPResponse, control: TransferControl) throws -> Bool {
    state.withLock { $0.response = response }
    switch response.status {
    case 200..<300: return try payload.begin(response, control: control)
    // docker-registry 2.8.2 promises the whole blob with a 416 and sends 33 bytes (registry-protocol.md, section 6).
    case 300..<400, 416: return false
    default: return response.contentLength ?? 0 <= Int64(Refusal.bodyLimit)
    }
  }

  func receive(_ bytes: RawSpan) throws -> Bool {
    let isError = try state.withLock { state in
      guard let status = state.response?.status, !(200..<300).contains(status) else { return false }
      guard state.body.count + bytes.byteCount <= Refusal.bodyLimit else { throw EnoughRead() }
      bytes.withUnsafeBytes { state.body.append(contentsOf: $0) }
      return true
    }
    return try isError || payload.receive(bytes)
  }
}

/// Wants no body.
final class NoBody: ResponseReceiver {
  func begin(_ response: HTTPResponse, control: TransferControl) -> Bool { false }
  func receive(_ bytes: RawSpan) -> Bool { true }
}

/// Keeps a body in memory, up to a limit in bytes.
final class BodyBuffer: ResponseReceiver {
  private let limit: Int
  private let state = Mutex<[UInt8]>([])

  init(limit: Int) { self.limit = limit }

  var bytes: [UInt8] { state.withLock { $0 } }

  func begin(_ response: HTTPResponse, control: TransferControl) throws -> Bool {
    // A buffer may be used for several attempts.
    state.withLock { $0 = [] }
    if let count = response.contentLength, count > Int64(limit) {
      throw TransportError.bodyTooLarge(limit: limit)
    }
    return true
  }

  func receive(_ bytes: RawSpan) throws -> Bool {
    try state.withLock { body in
      guard body.count + bytes.byteCount <= limit else { throw TransportError.bodyTooLarge(limit: limit) }
      bytes.withUnsafeBytes { body.append(contentsOf: $0) }
    }
    return true
  }
}
