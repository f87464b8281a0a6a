import Synchronization

/// Keeps a body in memory, up to a limit.
final class Collector: ResponseReceiver {
  private let limit: Int
  private let collected = Mutex<[UInt8]>([])

  init(limit: Int) { self.limit = limit }

  var body: [UInt8] { collected.withLock { $0 } }

  func begin(_ response: HTTPResponse, control: TransferControl) throws -> Bool {
    if let count = response.contentLength, count > Int64(limit) {
      throw TransportError.bodyTooLarge(limit: limit)
    }
    return true
  }

  func receive(_ bytes: RawSpan) throws -> Bool {
    try collected.withLock { body in
      guard body.count + bytes.byteCount <= limit else { throw TransportError.bodyTooLarge(limit: limit) }
      bytes.withUnsafeBytes { body.append(contentsOf: $0) }
    }
    return true
  }
}
