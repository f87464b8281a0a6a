import HTTPTransport
import Synchronization
import Testing

/// Plays the servers: answers each request by a script, and keeps what was asked.
final class ScriptedTransport: Transport {
  /// What a server does with a request.
  struct Reply: Sendable {
    var status = 200
    var headers: HTTPHeaders = [:]
    var body: [UInt8] = []
    /// Ends the connection after that many bytes of the body.
    var cutAfter: Int?
    /// Nobody answers at all.
    var failure: TransportError?
    var isPrivate = false
    /// How much of the request's body is taken before the answer, or the failure.
    var takenByteCount = Int.max

    static func status(_ status: Int, _ headers: HTTPHeaders = [:], _ body: String = "") -> Reply {
      Reply(status: status, headers: headers, body: Array(body.utf8))
    }

    static func body(_ body: [UInt8], _ headers: HTTPHeaders = [:], status: Int = 200, cutAfter: Int? = nil)
      -> Reply
    {
      var headers = headers
      if headers.first("content-length") == nil { headers.add("Content-Length", "\(body.count)") }
      return Reply(status: status, headers: headers, body: body, cutAfter: cutAfter)
    }

    static func text(_ text: String, _ headers: HTTPHeaders = [:]) -> Reply {
      body(Array(text.utf8), headers)
    }

    static func failure(_ error: TransportError) -> Reply { Reply(failure: error) }

    /// The connection breaks after that many bytes of the request's body.
    static func cut(after count: Int = .max) -> Reply {
      Reply(failure: .connectionLost(host: "h", reason: "reset"), takenByteCount: count)
    }

    /// Answers after that many bytes of the request's body.
    func taking(_ count: Int) -> Reply {
      var reply = self
      reply.takenByteCount = count
      return reply
    }

    static func redirect(_ location: String, status: Int = 307) -> Reply {
      .status(status, ["Location": location])
    }

    static func challenge(_ value: String) -> Reply { .status(401, ["WWW-Authenticate": value]) }
  }

  private struct State {
    var requests: [HTTPRequest] = []
    var bodies: [[UInt8]] = []
    var steps: [(String, Reply)]
  }

  private let state: Mutex<State>
  private let server: (@Sendable (HTTPRequest) async throws -> Reply)?
  private let pieceLength: Int

  /// Expects exactly these requests, `METHOD URL`, in this order.
  init(_ steps: [(String, Reply)], pieceLength: Int = 7) {
    state = Mutex(State(steps: steps))
    server = nil
    self.pieceLength = pieceLength
  }

  /// Answers by a function.
  init(pieceLength: Int = 7, server: @escaping @Sendable (HTTPRequest) async throws -> Reply) {
    state = Mutex(State(steps: []))
    self.server = server
    self.pieceLength = pieceLength
  }

  /// What was asked.
  var requests: [HTTPRequest] { state.withLock { $0.requests } }

  /// The bodies of what was asked, as far as they were taken.
  var bodies: [[UInt8]] { state.withLock { $0.bodies } }

  /// Methods and URLs of what was asked.
  var lines: [String] { requests.map(\.line) }

  /// Steps that nobody asked for yet.
  var remaining: Int { state.withLock { $0.steps.count } }

  /// The request of that number, from 0; a missing one fails the test instead of ending the run.
  func request(_ index: Int) throws -> HTTPRequest {
    let requests = requests
    try #require(requests.indices.contains(index))
    return requests[index]
  }

  func header(_ name: String, of index: Int) -> String? {
    guard let request = try? request(index) else { return "no request \(index)" }
    return request.headers.first(name)
  }

  func send(_ request: HTTPRequest, to receiver: some ResponseReceiver) async throws -> HTTPResponse {
    try Task.checkCancellation()
    state.withLock { $0.requests.append(request) }
    let reply = if let server { try await server(request) } else { next(request) }
    let body = try await takeBody(request, limit: reply.takenByteCount)
    state.withLock { $0.bodies.append(body) }
    if let failure = reply.failure { throw failure }
    var response = HTTPResponse(status: reply.status, headers: reply.headers)
    response.isFromPrivateAddress = reply.isPrivate
    let (signals, continuation) = AsyncStream.makeStream(of: Void.self)
    let control = TransferControl { continuation.yield() }
    guard try receiver.begin(response, control: control), request.method != .head else { return response }
    var waiting = signals.makeAsyncIterator()
    let whole = reply.body.prefix(reply.cutAfter ?? reply.body.count)
    for start in stride(from: 0, to: whole.count, by: pieceLength) {
      let piece = Array(whole[start..<min(start + pieceLength, whole.count)])
      while !(try receiver.receive(piece.span.bytes)) { await waiting.next() }
    }
    if reply.cutAfter != nil { throw TransportError.connectionLost(host: request.url.host, reason: "reset") }
    return response
  }

  private func takeBody(_ request: HTTPRequest, limit: Int) async throws -> [UInt8] {
    guard let source = request.bodySource, limit > 0 else { return request.body ?? [] }
    let (signals, continuation) = AsyncStream.makeStream(of: Void.self)
    var waiting = signals.makeAsyncIterator()
    try source.begin(control: TransferControl { continuation.yield() })
    var body: [UInt8] = []
    let end = min(source.byteCount.map(Int.init) ?? .max, limit)
    while body.count < end {
      var piece = [UInt8](repeating: 0, count: min(1000, end - body.count))
      switch try piece.withUnsafeMutableBytes({ try source.read(into: $0) }) {
      case .bytes(let count): body += piece[..<count]
      case .notYet: await waiting.next()
      case .end: return body
      }
    }
    return body
  }

  private func next(_ request: HTTPRequest) -> Reply {
    let step = state.withLock { $0.steps.isEmpty ? nil : $0.steps.removeFirst() }
    guard let (expected, reply) = step else {
      Issue.record("not in the script: \(request.line)")
      return .status(418)
    }
    #expect(request.line == expected)
    return reply
  }
}

extension HTTPRequest {
  var line: String { "\(method.rawValue) \(url)" }
}
