import HTTPTransport
import Synchronization

/// A body's source that gives bytes as a test wants, and keeps what was asked of it.
final class TestBody: RequestBodySource {
  struct Broken: Error, Hashable {}

  struct State {
    var control: TransferControl?
    var position = 0
    var begins = 0
    var seeks: [Int64] = []
    var readCount = 0
    var largestBuffer = 0
    var isReady = false
  }

  private let bytes: [UInt8]
  private let stated: Int64?
  private let pieceByteCount: Int
  /// Every how many reads there is nothing yet; 0 for never.
  private let pauseInterval: Int
  private let failsAfter: Int
  private let state = Mutex(State())

  init(
    _ bytes: [UInt8], stating byteCount: Int64?? = .none, pieceByteCount: Int = .max, pauseInterval: Int = 0,
    failsAfter: Int = .max
  ) {
    self.bytes = bytes
    stated = byteCount ?? Int64(bytes.count)
    self.pieceByteCount = pieceByteCount
    self.pauseInterval = pauseInterval
    self.failsAfter = failsAfter
  }

  var seen: State { state.withLock { $0 } }
  var byteCount: Int64? { stated }

  /// Lets a source that has nothing yet go on.
  func makeReady() {
    state.withLock {
      $0.isReady = true
      return $0.control
    }?.resume()
  }

  func begin(control: TransferControl) {
    state.withLock {
      $0.control = control
      $0.position = 0
      $0.begins += 1
    }
  }

  func seek(to offset: Int64) {
    state.withLock {
      $0.position = Int(offset)
      $0.seeks.append(offset)
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> BodyStep {
    try state.withLock { state in
      state.readCount += 1
      state.largestBuffer = max(state.largestBuffer, buffer.count)
      if state.position >= failsAfter { throw Broken() }
      if pauseInterval > 0, state.readCount % pauseInterval == 0, !state.isReady {
        if pauseInterval > 1, let control = state.control { Task { control.resume() } }
        return .notYet
      }
      let count = min(buffer.count, pieceByteCount, bytes.count - state.position)
      guard count > 0 else { return .end }
      buffer.copyBytes(from: bytes[state.position..<state.position + count])
      state.position += count
      return .bytes(count)
    }
  }
}
