import TestSupport
import Testing

@testable import HTTPTransport

/// What goes wrong on the way, and what it is called.
@Suite(.timeLimit(.minutes(5))) struct CurlTransportFaultTests {
  private let transport = CurlTransport(proxies: ProxyRules(environment: [:]))

  /// The error of one request to a server that answers with `reply`.
  private func fault(
    _ reply: ScriptedReply, _ receiver: TestReceiver = TestReceiver(), path: String = "/",
    change: (inout HTTPRequest) -> Void = { _ in }
  ) async throws -> TransportError? {
    let server = try ScriptedServer { _ in reply }
    defer { server.stop() }
    var request = try HTTPRequest(.get, HTTPURL(parsing: server.url(path)))
    change(&request)
    let sent = request
    return await #expect(throws: TransportError.self) { try await transport.send(sent, to: receiver) }
  }

  @Test(arguments: [0, 1, 16_383, 16_384, 99_999], [false, true])
  func `a body that is cut is a lost connection, wherever it is cut`(sent: Int, isChunked: Bool) async throws
  {
    let whole = ScriptedReply.ok(pattern(100_000))
    let receiver = TestReceiver()
    let error = try await fault((isChunked ? whole.chunked(4096) : whole).cut(after: sent), receiver)
    guard case .connectionLost("127.0.0.1", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(receiver.seen.body == Array(pattern(100_000)[..<sent]))
    #expect(receiver.seen.responses.count == 1)
  }

  @Test(arguments: ["", "H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX"])
  func `a head that is cut is a lost connection`(text: String) async throws {
    let receiver = TestReceiver()
    let error = try await fault(.raw(text), receiver)
    #expect(error?.isTransient == true || text == "H")
    #expect(receiver.seen.responses.isEmpty)
  }

  @Test(arguments: [0, 50_000]) func `a reset is a lost connection`(sent: Int) async throws {
    let error = try await fault(.ok(pattern(100_000)).reset(after: sent))
    guard case .connectionLost = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(arguments: [0, 5000]) func `a stall ends with the patience`(sent: Int) async throws {
    let receiver = TestReceiver()
    let error = try await fault(.ok(pattern(100_000)).stall(after: sent), receiver) {
      $0.patience.stallSeconds = 1
    }
    #expect(error == .stalled(host: "127.0.0.1", seconds: 1))
    #expect(receiver.seen.byteCount == sent)
  }

  @Test func `a server that never answers has stalled`() async throws {
    let error = try await fault(ScriptedReply.raw("").stall(after: 0)) { $0.patience.stallSeconds = 1 }
    #expect(error == .stalled(host: "127.0.0.1", seconds: 1))
  }

  @Test func `a slow body is no stall`() async throws {
    let server = try ScriptedServer { _ in .ok(pattern(4000)).slowly(1000, everyMilliseconds: 400) }
    defer { server.stop() }
    var request = try HTTPRequest(.get, HTTPURL(parsing: server.url("/")))
    request.patience.stallSeconds = 1
    request.patience.stallBytesPerSecond = 1
    #expect(try await transport.collect(request, limit: 4000).body == pattern(4000))
  }

  @Test func `what comes after an announced body is in no body, and spoils the connection only`() async throws
  {
    // The surplus comes late, so that the connection has been put by for the next request before.
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    let pieces = Array(head.utf8) + pattern(1000) + pattern(300)
    let server = try ScriptedServer { request in
      request.connection == 1
        ? .raw(pieces).slowly(head.utf8.count + 1000, everyMilliseconds: 50).stall(after: pieces.count)
        : .ok(pattern(1000))
    }
    defer { server.stop() }
    let request = try HTTPRequest(.get, HTTPURL(parsing: server.url("/")))
    #expect(try await transport.collect(request, limit: 9999).body == pattern(1000))
    try await Task.sleep(for: .milliseconds(200))
    do {
      #expect(try await transport.collect(request, limit: 9999).body == pattern(1000))
    } catch let error as TransportError {
      #expect(error.isTransient)
    }
    #expect(try await transport.collect(request, limit: 9999).body == pattern(1000))
    #expect(server.connectionCount == 2)
  }

  @Test func `a longer body than announced is cut to what was announced`() async throws {
    let server = try ScriptedServer { _ in .ok(pattern(2000)).declaring(1000) }
    defer { server.stop() }
    let request = try HTTPRequest(.get, HTTPURL(parsing: server.url("/")))
    #expect(try await transport.collect(request, limit: 9999).body == Array(pattern(2000)[..<1000]))
    do {
      #expect(try await transport.collect(request, limit: 9999).body == Array(pattern(2000)[..<1000]))
      #expect(server.requests.map(\.connection) == [1, 2])
    } catch TransportError.connectionLost {
      // The surplus arrived after the connection had been chosen again: then it must count as lost, never as an answer.
    }
  }

  @Test(arguments: [
    "ICY 200 OK\r\n\r\n", "\u{16}\u{3}\u{1}garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2x\r\n\r\nx",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
  ])
  func `what is not HTTP is an error`(text: String) async throws {
    _ = try await fault(.raw(text))
  }

  @Test func `a head without end is refused`() async throws {
    let lines = String(repeating: "X-Filler: " + String(repeating: "x", count: 1000) + "\r\n", count: 300)
    let error = try await fault(.raw("HTTP/1.1 200 OK\r\n" + lines + "\r\n"))
    guard case .other(_, let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains("262144"))
  }

  @Test func `a refused connection and an unknown host have their own errors`() async throws {
    let server = try ScriptedServer { _ in .ok() }
    let url = server.url("/")
    server.stop()
    let refused = await #expect(throws: TransportError.self) {
      while true { _ = try await transport.collect(HTTPRequest(.get, HTTPURL(parsing: url)), limit: 10) }
    }
    switch refused {
    case .couldNotConnect("127.0.0.1", _), .connectionLost: break
    default: Issue.record("\(String(describing: refused))")
    }
    await #expect(throws: TransportError.hostNotFound(host: "registry.invalid")) {
      try await transport.collect(HTTPRequest(.get, HTTPURL(parsing: "http://registry.invalid/")), limit: 10)
    }
  }

  @Test(arguments: ["127.0.0.1", "localhost", "a.localhost", "[::1]", "0x7f000001", "127.1", "0.0.0.0"])
  func `the rule for public addresses refuses this machine under every name`(host: String) async throws {
    let server = try ScriptedServer { _ in .ok() }
    defer { server.stop() }
    var request = try HTTPRequest(.get, HTTPURL(parsing: "http://\(host):\(server.port)/"))
    request.addressRule = .publicOnly
    let sent = request
    let error = await #expect(throws: TransportError.self) { try await transport.collect(sent, limit: 10) }
    guard case .forbiddenAddress(host, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(server.connectionCount == 0)
  }

  @Test func `the rule holds for a connection that is there already`() async throws {
    let server = try ScriptedServer { _ in .ok() }
    defer { server.stop() }
    var request = try HTTPRequest(.get, HTTPURL(parsing: "http://localhost:\(server.port)/"))
    _ = try await transport.collect(request, limit: 10)
    request.addressRule = .publicOnly
    let sent = request
    await #expect(throws: TransportError.forbiddenAddress(host: "localhost", address: "127.0.0.1")) {
      try await transport.collect(sent, limit: 10)
    }
    #expect(server.requests.count == 1)
  }

  @Test func `reasons show no query`() async throws {
    let error = try await fault(.ok(pattern(100)).cut(after: 10), path: "/x?token=secret")
    #expect(error?.description.contains("secret") == false)
  }
}
