import Synchronization

/// What a caller wants of the loop.
struct TransferJob: Sendable {
  let id: Int
  let request: HTTPRequest
  /// Nil for a direct connection.
  let proxy: String?
  let receiver: any ResponseReceiver
  let cancellation: Cancellation
  let continuation: CheckedContinuation<HTTPResponse, any Error>

  /// Set before the loop is told, so that a cancellation which overtakes the start is seen then.
  final class Cancellation: Sendable {
    private let flag = Atomic(false)
    var isRequested: Bool { flag.load(ordering: .acquiring) }
    func request() { flag.store(true, ordering: .releasing) }
  }
}
