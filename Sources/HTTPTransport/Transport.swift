/// Sends one HTTP request and streams what comes back.
///
/// A transport knows nothing of registries: it follows no redirect, adds no credentials and retries nothing.
/// It is a protocol so that the logic above it can be tested with a script instead of a socket.
public protocol Transport: Sendable {
  /// Sends `request` and gives the answer to `receiver`.
  ///
  /// Returns when the body is complete, or when the receiver wanted no body. A response of any status is a
  /// result, not an error. Cancelling the task closes the connection and throws `CancellationError`.
  ///
  /// - Throws: `TransportError`, or whatever the receiver threw.
  func send(_ request: HTTPRequest, to receiver: some ResponseReceiver) async throws -> HTTPResponse
}

/// Takes a response while it arrives.
///
/// Called on the transport's own thread, so it must not wait for anything but a disk.
public protocol ResponseReceiver: AnyObject, Sendable {
  /// The head of the final response (interim 1xx ones are not shown).
  ///
  /// Returns false when the body is not wanted; the connection is then closed unless the body is short.
  /// `control` may be kept as long as the request runs.
  func begin(_ response: HTTPResponse, control: TransferControl) throws -> Bool

  /// The next bytes of the body, never empty.
  ///
  /// Returns false to pause: nothing was taken, and the same bytes come again after
  /// `TransferControl.resume()`.
  func receive(_ bytes: RawSpan) throws -> Bool
}

/// Wakes a paused transfer.
///
/// Safe to use from any thread, also when the transfer has ended.
public struct TransferControl: Sendable {
  private let action: @Sendable () -> Void

  /// A control that runs `action` to resume.
  public init(resume action: @escaping @Sendable () -> Void) { self.action = action }

  /// Lets the bytes flow again.
  public func resume() { action() }
}

extension Transport {
  /// Sends `request` and collects the body.
  ///
  /// - Throws: `TransportError.bodyTooLarge` when it has more than `limit` bytes; nothing more is read then.
  public func collect(_ request: HTTPRequest, limit: Int) async throws -> (
    response: HTTPResponse, body: [UInt8]
  ) {
    // The answer to HEAD tells the length of a body that does not come.
    let collector = Collector(limit: request.method == .head ? .max : limit)
    let response = try await send(request, to: collector)
    return (response, collector.body)
  }
}
