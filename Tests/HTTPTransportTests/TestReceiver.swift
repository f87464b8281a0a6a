import HTTPTransport
import Synchronization

/// A receiver that records what it is given and does what a test wants.
final class TestReceiver: ResponseReceiver {
  struct Refusal: Error, Hashable {}

  struct State {
    var responses: [HTTPResponse] = []
    var control: TransferControl?
    var body: [UInt8] = []
    var byteCount = 0
    var pieceCount = 0
    var pauseCount = 0
    /// What was offered when it was last refused.
    var refused: [UInt8]?
    var hasRepeatedRefused = true
  }

  private let state = Mutex(State())
  private let wantsBody: Bool
  private let keepsBody: Bool
  private let onBegin: (@Sendable (HTTPResponse) throws -> Void)?
  /// Called with the number of bytes so far; false pauses.
  private let onReceive: (@Sendable (Int, TransferControl) throws -> Bool)?

  init(
    wantsBody: Bool = true, keepsBody: Bool = true,
    onReceive: (@Sendable (Int, TransferControl) throws -> Bool)? = nil,
    onBegin: (@Sendable (HTTPResponse) throws -> Void)? = nil
  ) {
    self.wantsBody = wantsBody
    self.keepsBody = keepsBody
    self.onBegin = onBegin
    self.onReceive = onReceive
  }

  var seen: State { state.withLock { $0 } }

  func begin(_ response: HTTPResponse, control: TransferControl) throws -> Bool {
    state.withLock {
      $0.responses.append(response)
      $0.control = control
    }
    try onBegin?(response)
    return wantsBody
  }

  func receive(_ bytes: RawSpan) throws -> Bool {
    let (count, control) = state.withLock { ($0.byteCount, $0.control) }
    let piece = bytes.withUnsafeBytes { Array($0) }
    if let onReceive, let control, try !onReceive(count, control) {
      state.withLock {
        $0.pauseCount += 1
        $0.refused = piece
      }
      return false
    }
    state.withLock { state in
      if let refused = state.refused {
        let common = min(refused.count, piece.count)
        if refused.prefix(common) != piece.prefix(common) { state.hasRepeatedRefused = false }
        state.refused = nil
      }
      state.pieceCount += 1
      state.byteCount += piece.count
      if keepsBody { state.body += piece }
    }
    return true
  }
}

/// Bytes that differ everywhere, so that a lost or repeated piece shows.
func pattern(_ count: Int) -> [UInt8] {
  var value: UInt64 = 0x9E37_79B9_7F4A_7C15
  return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
    for index in 0..<count {
      value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      buffer[index] = UInt8(truncatingIfNeeded: value >> 56)
    }
    initialized = count
  }
}
