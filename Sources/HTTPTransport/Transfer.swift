import CCurl

/// One request on its way.
///
/// Belongs to the loop's thread, where libcurl calls it back.
///
/// A callback cannot throw: an error is kept here, libcurl is told to stop, and `result` brings the error
/// out.
final class Transfer {
  let easy: EasyHandle
  let job: TransferJob
  /// The last address that the rule forbade.
  private(set) var forbiddenAddress: String?
  private(set) var triedAllowedAddress = false
  /// The request's body, where it has one.
  var body: BodyProgress?

  private let queue: CommandQueue
  private var head = ResponseHead()
  /// Whether the connection in use leads to an address that is not public.
  var isPeerPrivate = false
  private var response: HTTPResponse?
  private var phase = Phase.head
  private var isPaused = false
  private var isSettled = false

  private enum Phase {
    case head
    case body
    /// The caller has its answer; a short body is read to its end, so that the connection can be used again.
    case discarding
    /// The receiver did not want the body.
    case unwanted
    case failed(any Error)
  }

  /// Reading this much is cheaper than a new connection.
  private static let discardableByteCount = 64 * 1024

  init(_ job: TransferJob, queue: CommandQueue, library: CurlLibrary) throws(TransportError) {
    self.job = job
    self.queue = queue
    if job.request.method.hasBody {
      body = (job.request.bodySource ?? job.request.body.map(MemoryBody.init)).map(BodyProgress.init)
    }
    easy = try EasyHandle(library)
  }

  var id: Int { job.id }

  /// Wakes this transfer from any thread.
  var control: TransferControl { TransferControl { [queue, id] in queue.post(.resume(id)) } }

  /// Gives the caller its answer, the first time only.
  func settle(_ result: Result<HTTPResponse, any Error>) {
    guard !isSettled else { return }
    isSettled = true
    job.continuation.resume(with: result)
  }

  /// What came of a transfer that ended with `code`.
  func result(_ code: CURLcode) -> Result<HTTPResponse, any Error> {
    if case .failed(let error) = phase { return .failure(error) }
    if case .unwanted = phase, let response { return .success(response) }
    if code != CURLE_OK {
      if let response, isRefusal(response, cutBy: code) { return .success(response) }
      return .failure(error(for: code))
    }
    if let response { return .success(response) }
    // libcurl takes the end of a connection for the end of a head.
    let reason = "it was closed before the head of the response was complete"
    return .failure(TransportError.connectionLost(host: job.request.url.host, reason: reason))
  }

  /// Whether a server refused a body and then would not read it.
  ///
  /// It may reset the connection then, and with it the rest of what it has to say.
  private func isRefusal(_ response: HTTPResponse, cutBy code: CURLcode) -> Bool {
    guard response.status >= 300, let body, body.takenByteCount > 0 else { return false }
    return [CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2_STREAM].contains(code)
  }

  /// Remembers the error that ends the transfer.
  func fail(_ error: any Error) { phase = .failed(error) }

  // MARK: Called back

  /// Takes a header line; false stops the transfer.
  func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    // What comes in the shape of header lines after the body has begun are trailers.
    guard case .head = phase else { return true }
    switch head.add(line) {
    case .more: return true
    case .complete(let response): return begin(response)
    case .tooLarge:
      let reason = "the head of the response has more than \(ResponseHead.byteLimit) bytes"
      phase = .failed(TransportError.other(code: Int(CURLE_WEIRD_SERVER_REPLY.rawValue), reason: reason))
      return false
    }
  }

  private func begin(_ head: HTTPResponse) -> Bool {
    var response = head
    response.isFromPrivateAddress = isPeerPrivate && job.proxy == nil
    self.response = response
    // libcurl sends no more of the body then, but would wait for ever for a pause to end.
    if response.status >= 300, body?.isPaused == true { control.resume() }
    do {
      if try job.receiver.begin(response, control: control) {
        phase = .body
        return true
      }
    } catch {
      phase = .failed(error)
      return false
    }
    // The source of a body must not be asked any more once the caller has its answer.
    guard hasShortBody(response), isBodyTaken else {
      phase = .unwanted
      return false
    }
    phase = .discarding
    settle(.success(response))
    return true
  }

  private func hasShortBody(_ response: HTTPResponse) -> Bool {
    if job.request.method == .head || response.status == 204 || response.status == 304 { return true }
    return response.contentLength.map { $0 <= Self.discardableByteCount } ?? false
  }

  /// Takes a piece of the body; gives the number of bytes taken, or libcurl's mark for a pause.
  func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
    switch phase {
    case .discarding: return bytes.count
    case .head, .unwanted, .failed: return 0
    case .body: break
    }
    guard !bytes.isEmpty else { return 0 }
    do {
      if try job.receiver.receive(bytes.bytes) { return bytes.count }
      isPaused = true
      return Int(CURL_WRITEFUNC_PAUSE)
    } catch {
      phase = .failed(error)
      return 0
    }
  }

  /// Lets a paused transfer go on in both directions; a failure ends it.
  func resume() -> CURLcode {
    guard isPaused || body?.isPaused == true else { return CURLE_OK }
    isPaused = false
    do throws(TransportError) {
      try unpauseBody()
    } catch {
      fail(error)
      return CURLE_ABORTED_BY_CALLBACK
    }
    return easy.library.functions.pointee.easy_pause(easy.raw, CURLPAUSE_CONT)
  }

  /// Whether a connection to `address` may be made, or used.
  func allows(_ address: IPAddress?, shownAs text: @autoclosure () -> String) -> Bool {
    let rule = job.request.addressRule
    guard rule != .any, job.proxy == nil else { return true }
    if let address, rule.permits(address) {
      triedAllowedAddress = true
      return true
    }
    forbiddenAddress = text()
    return false
  }
}
