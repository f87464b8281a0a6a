import Synchronization

/// A transport on libcurl: connections are reused, HTTP/2 is spoken where the server offers it over TLS.
///
/// All transfers share one thread, which starts with the first request and ends with the transport; libcurl
/// is loaded then, too. Proxies are those of the environment (`https_proxy`, `no_proxy` …), which is read
/// when the transport is made. A response cut short is `TransportError.connectionLost`, never a shorter body.
/// After `send` has returned or thrown, neither its receiver nor the body's source is called any more.
///
/// An answer with a status from 300 on that comes before the request's body was sent completely is an answer,
/// also when the connection breaks in the middle of it; the rest of the body is not sent.
public final class CurlTransport: Transport {
  private let proxies: ProxyRules
  private let queue = Mutex<CommandQueue?>(nil)
  private let lastID = Atomic(0)

  /// A transport that has not yet started.
  public convenience init() { self.init(proxies: .ofProcess) }

  init(proxies: ProxyRules) { self.proxies = proxies }

  deinit { _ = queue.withLock { $0?.post(.stop) } }

  /// Sends `request`; see `Transport.send`.
  public func send(_ request: HTTPRequest, to receiver: some ResponseReceiver) async throws -> HTTPResponse {
    try Task.checkCancellation()
    let proxy = proxies.proxy(for: request.url)
    try Self.refuseLiteral(request)
    let queue = try startedQueue()
    let id = lastID.add(1, ordering: .relaxed).newValue
    let cancellation = TransferJob.Cancellation()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let job = TransferJob(
          id: id, request: request, proxy: proxy, receiver: receiver, cancellation: cancellation,
          continuation: continuation)
        if !queue.post(.start(job)) { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      cancellation.request()
      queue.post(.cancel(id))
    }
  }

  /// An address in the URL is judged before anything is sent, because a proxy would go there for us.
  private static func refuseLiteral(_ request: HTTPRequest) throws(TransportError) {
    let host = request.url.host
    guard let address = IPAddress(looselyReading: host), !request.addressRule.permits(address) else { return }
    throw .forbiddenAddress(host: host, address: host)
  }

  private func startedQueue() throws -> CommandQueue {
    try queue.withLock { queue in
      if let queue { return queue }
      let multi = try MultiHandle(CurlLibrary.shared.get())
      let new = CommandQueue(multi)
      do {
        try LoopThread.start { TransferLoop(multi, new).run() }
      } catch {
        multi.free()
        throw error
      }
      queue = new
      return new
    }
  }
}
