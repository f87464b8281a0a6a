import Synchronization
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.timeLimit(.minutes(5))) struct CurlTransportTests {
  private let transport = CurlTransport(proxies: ProxyRules(environment: [:]))

  private func request(_ method: HTTPRequest.Method = .get, _ url: String) throws -> HTTPRequest {
    try HTTPRequest(method, HTTPURL(parsing: url))
  }

  @Test func `a large body arrives in pieces and complete`() async throws {
    let body = pattern(20_000_000)
    let server = try ScriptedServer { _ in .ok(body) }
    defer { server.stop() }
    let receiver = TestReceiver()
    let response = try await transport.send(request(.get, server.url("/blob")), to: receiver)
    #expect(response.status == 200)
    #expect(response.contentLength == 20_000_000)
    #expect(receiver.seen.body == body)
    #expect(receiver.seen.pieceCount > 10)
    #expect(receiver.seen.responses.count == 1)
  }

  @Test(arguments: [1, 1000, 65_536])
  func `a chunked body arrives without its framing`(chunk: Int) async throws {
    let body = pattern(100_000)
    let server = try ScriptedServer { _ in .ok(body).chunked(chunk) }
    defer { server.stop() }
    let answer = try await transport.collect(request(.get, server.url("/")), limit: 100_000)
    #expect(answer.body == body)
    #expect(answer.response.contentLength == nil)
  }

  @Test func `32 downloads at once all arrive, over several connections`() async throws {
    let bodies = (0..<32).map { pattern(300_000 + $0) }
    let server = try ScriptedServer { request in .ok(bodies[Int(request.path.dropFirst()) ?? 0]) }
    defer { server.stop() }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for (index, body) in bodies.enumerated() {
        group.addTask {
          try await transport.collect(request(.get, server.url("/\(index)")), limit: 1_000_000).body == body
        }
      }
      for try await isEqual in group { #expect(isEqual) }
    }
    #expect(server.requests.count == 32)
    #expect(server.connectionCount > 1)
  }

  @Test func `requests one after the other share a connection`() async throws {
    let server = try ScriptedServer { request in request.path == "/missing" ? .status(404, [1, 2]) : .ok("x")
    }
    defer { server.stop() }
    for path in ["/a", "/missing", "/b"] {
      _ = try await transport.collect(request(.get, server.url(path)), limit: 100)
    }
    _ = try await transport.collect(request(.head, server.url("/c")), limit: 100)
    _ = try await transport.collect(request(.put, server.url("/d")), limit: 100)
    #expect(server.requests.map(\.connection) == [1, 1, 1, 1, 1])
  }

  @Test func `a request on a connection that the server closed meanwhile is sent again with its body`()
    async throws
  {
    // The first connection is closed without having been announced, so the client finds out when it uses it.
    let server = try ScriptedServer { request in
      request.path == "/first" ? .raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") : .ok("y")
    }
    defer { server.stop() }
    _ = try await transport.collect(request(.get, server.url("/first")), limit: 10)
    var put = try request(.put, server.url("/second"))
    put.body = pattern(5000)
    #expect(try await transport.collect(put, limit: 10).body == [0x79])
    #expect(server.requests.last?.body == pattern(5000))
    #expect(server.connectionCount == 2)
  }

  @Test func `HEAD gives the head and no body`() async throws {
    let server = try ScriptedServer { _ in .ok(pattern(5_000), ["Docker-Content-Digest": "sha256:ab"]) }
    defer { server.stop() }
    let receiver = TestReceiver()
    let response = try await transport.send(request(.head, server.url("/m")), to: receiver)
    #expect(response.contentLength == 5_000)
    #expect(response.headers.first("docker-content-digest") == "sha256:ab")
    #expect(receiver.seen.byteCount == 0)
    #expect(receiver.seen.responses.count == 1)
    #expect(try await transport.collect(request(.head, server.url("/m")), limit: 10).body.isEmpty)
    #expect(server.requests.map(\.method) == ["HEAD", "HEAD"])
  }

  @Test(arguments: [0, 1, 70_000, 3_000_000], [HTTPRequest.Method.post, .put, .patch])
  func `a body is sent whole, with its length`(byteCount: Int, method: HTTPRequest.Method) async throws {
    let server = try ScriptedServer { _ in .status(201) }
    defer { server.stop() }
    var upload = try request(method, server.url("/upload?x=%2F"))
    upload.body = pattern(byteCount)
    upload.headers = ["Content-Type": "application/octet-stream"]
    #expect(try await transport.collect(upload, limit: 0).response.status == 201)
    let arrived = try #require(server.requests.first)
    #expect(arrived.method == method.rawValue)
    #expect(arrived.target == "/upload?x=%2F")
    #expect(arrived.body == pattern(byteCount))
    #expect(arrived.header("content-length") == "\(byteCount)")
    #expect((arrived.header("expect") != nil) == (byteCount > 1_000_000))
  }

  @Test func `nothing is sent but what the caller and HTTP want`() async throws {
    let server = try ScriptedServer { _ in .ok() }
    defer { server.stop() }
    for method in [HTTPRequest.Method.get, .head, .delete] {
      _ = try await transport.collect(request(method, server.url("/a/../b")), limit: 10)
    }
    _ = try await transport.collect(request(.post, server.url("/")), limit: 10)
    var own = try request(.get, server.url("/"))
    own.headers = ["User-Agent": "cooper", "Accept": "a/b", "accept": "c/d", "X-Empty": ""]
    _ = try await transport.collect(own, limit: 10)
    let names = server.requests.map { $0.headers.map(\.name) }
    #expect(names[..<3] == [["Host"], ["Host"], ["Host"]])
    #expect(names[3] == ["Host", "Content-Length"])
    #expect(names[4] == ["Host", "User-Agent", "Accept", "accept", "X-Empty"])
    #expect(server.requests.map(\.target)[0] == "/a/../b")
    #expect(server.requests[3].header("content-length") == "0")
  }

  @Test(arguments: [
    ("X-A", "b\r\nX-C: d"), ("X-A", "b\nc"), ("X A", "b"), ("X:A", "b"), ("", "b"), ("X-A", "b\u{0}"),
  ])
  func `a header field cannot smuggle in another`(name: String, value: String) async throws {
    let server = try ScriptedServer { _ in .ok() }
    defer { server.stop() }
    var bad = try request(.get, server.url("/"))
    bad.headers.add(name, value)
    let sent = bad
    await #expect(throws: TransportError.self) { try await transport.collect(sent, limit: 10) }
    #expect(server.requests.isEmpty)
  }

  @Test func `a redirect is an answer like any other`() async throws {
    let server = try ScriptedServer { _ in .redirect(307, to: "/elsewhere") }
    defer { server.stop() }
    let answer = try await transport.collect(request(.get, server.url("/")), limit: 10)
    #expect(answer.response.status == 307)
    #expect(answer.response.headers.first("location") == "/elsewhere")
    #expect(server.requests.count == 1)
  }

  @Test func `interim responses and trailers are not shown`() async throws {
    let server = try ScriptedServer { _ in
      .raw(
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
          + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n3\r\nabc\r\n0\r\nB: 2\r\n\r\n")
    }
    defer { server.stop() }
    let receiver = TestReceiver()
    let response = try await transport.send(request(.get, server.url("/")), to: receiver)
    #expect(response.headers.fields.map(\.name) == ["Transfer-Encoding", "A"])
    #expect(receiver.seen.responses.count == 1)
    #expect(receiver.seen.body == Array("abc".utf8))
  }

  @Test func `a content encoding that nobody asked for is left as it came`() async throws {
    let gzip: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    let server = try ScriptedServer { _ in .ok(gzip, ["Content-Encoding": "gzip"]) }
    defer { server.stop() }
    #expect(try await transport.collect(request(.get, server.url("/")), limit: 100).body == gzip)
    #expect(server.requests[0].header("accept-encoding") == nil)
  }

  @Test func `an empty body still has a beginning`() async throws {
    let server = try ScriptedServer { request in request.path == "/204" ? .status(204) : .ok() }
    defer { server.stop() }
    for path in ["/200", "/204"] {
      let receiver = TestReceiver()
      _ = try await transport.send(request(.get, server.url(path)), to: receiver)
      #expect(receiver.seen.responses.count == 1)
      #expect(receiver.seen.pieceCount == 0)
    }
  }

  // MARK: The receiver decides

  @Test func `a paused receiver gets the same bytes again and loses none`() async throws {
    let body = pattern(3_000_000)
    let server = try ScriptedServer { _ in .ok(body) }
    defer { server.stop() }
    let calls = Atomic(0)
    let receiver = TestReceiver { _, control in
      guard calls.add(1, ordering: .relaxed).newValue % 7 == 0 else { return true }
      Task { control.resume() }
      return false
    }
    _ = try await transport.send(request(.get, server.url("/")), to: receiver)
    #expect(receiver.seen.body == body)
    #expect(receiver.seen.pauseCount > 10)
    #expect(receiver.seen.hasRepeatedRefused)
  }

  @Test func `a resume before the pause is not lost`() async throws {
    let server = try ScriptedServer { _ in .ok(pattern(100_000)) }
    defer { server.stop() }
    let calls = Atomic(0)
    let receiver = TestReceiver { _, control in
      control.resume()
      return calls.add(1, ordering: .relaxed).newValue % 2 == 0
    }
    _ = try await transport.send(request(.get, server.url("/")), to: receiver)
    #expect(receiver.seen.body == pattern(100_000))
    #expect(receiver.seen.pauseCount > 0)
    receiver.seen.control?.resume()
  }

  @Test func `a pause longer than the patience is not a stall`() async throws {
    let server = try ScriptedServer { _ in .ok(pattern(2_000_000)) }
    defer { server.stop() }
    var patient = try request(.get, server.url("/"))
    patient.patience.stallSeconds = 1
    let paused = Atomic(false)
    let receiver = TestReceiver { count, control in
      guard count > 0, !paused.exchange(true, ordering: .relaxed) else { return true }
      Task {
        try await Task.sleep(for: .seconds(3))
        control.resume()
      }
      return false
    }
    _ = try await transport.send(patient, to: receiver)
    #expect(receiver.seen.body == pattern(2_000_000))
    #expect(receiver.seen.pauseCount == 1)
  }

  @Test func `what a receiver throws comes out, from the head and from the body`() async throws {
    let server = try ScriptedServer { _ in .ok(pattern(2_000_000)) }
    defer { server.stop() }
    let atHead = TestReceiver(onBegin: { _ in throw TestReceiver.Refusal() })
    let inBody = TestReceiver { count, _ in
      if count > 500_000 { throw TestReceiver.Refusal() }
      return true
    }
    for receiver in [atHead, inBody] {
      await #expect(throws: TestReceiver.Refusal()) {
        try await transport.send(request(.get, server.url("/")), to: receiver)
      }
    }
    #expect(atHead.seen.byteCount == 0)
    #expect(inBody.seen.byteCount > 500_000 && inBody.seen.byteCount < 2_000_000)
  }

  @Test func `an error after a pause comes out, too`() async throws {
    let server = try ScriptedServer { _ in .ok(pattern(2_000_000)) }
    defer { server.stop() }
    let calls = Atomic(0)
    let receiver = TestReceiver { _, control in
      guard calls.add(1, ordering: .relaxed).newValue == 1 else { throw TestReceiver.Refusal() }
      control.resume()
      return false
    }
    await #expect(throws: TestReceiver.Refusal()) {
      try await transport.send(request(.get, server.url("/")), to: receiver)
    }
  }

  @Test func `a long body that is not wanted ends the connection, a short one does not`() async throws {
    let server = try ScriptedServer { request in
      switch request.path {
      case "/endless": ScriptedReply.ok(pattern(1000)).declaring(1 << 40).stall(after: 1000)
      case "/unknown": .ok(pattern(1000)).chunked().stall(after: 1000)
      default: .ok(pattern(1000))
      }
    }
    defer { server.stop() }
    // The rest of a short body may still be arriving when the next request begins, so one try shows nothing.
    for path in ["/endless", "/unknown"] + Array(repeating: "/short", count: 40) {
      let receiver = TestReceiver(wantsBody: false)
      let response = try await transport.send(request(.get, server.url(path)), to: receiver)
      #expect(response.status == 200)
      #expect(receiver.seen.byteCount == 0)
    }
    let connections = server.requests.map(\.connection)
    #expect(connections.prefix(3) == [1, 2, 3])
    #expect(Set(connections).count < connections.count)
  }

  @Test(arguments: [true, false]) func `a body over the limit is refused, announced or not`(isAnnounced: Bool)
    async throws
  {
    let server = try ScriptedServer { _ in isAnnounced ? .ok(pattern(1001)) : .ok(pattern(1001)).chunked(100)
    }
    defer { server.stop() }
    await #expect(throws: TransportError.bodyTooLarge(limit: 1000)) {
      try await transport.collect(request(.get, server.url("/")), limit: 1000)
    }
    #expect(try await transport.collect(request(.get, server.url("/")), limit: 1001).body == pattern(1001))
  }

  // MARK: Cancellation and the end

  @Test(arguments: [0, 1000]) func `cancelling ends a transfer that waits`(byteCount: Int) async throws {
    let server = try ScriptedServer { _ in .ok(pattern(5000)).stall(after: byteCount) }
    defer { server.stop() }
    let (began, beginning) = AsyncStream.makeStream(of: Void.self)
    let receiver = TestReceiver(onBegin: { _ in beginning.finish() })
    var endless = try request(.get, server.url("/"))
    endless.patience.stallSeconds = 0
    let sent = endless
    let task = Task { try await transport.send(sent, to: receiver) }
    for await _ in began {}
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(receiver.seen.byteCount <= byteCount)
  }

  @Test func `a task that is cancelled already sends nothing`() async throws {
    let server = try ScriptedServer { _ in .ok() }
    defer { server.stop() }
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      _ = try await transport.collect(request(.get, server.url("/")), limit: 10)
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(server.requests.isEmpty)
  }

  @Test func `cancelling at any moment gives a result or a cancellation`() async throws {
    let server = try ScriptedServer { _ in .ok(pattern(200_000)) }
    defer { server.stop() }
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<40 {
        group.addTask {
          let task = Task { try await transport.collect(request(.get, server.url("/")), limit: 200_000).body }
          try? await Task.sleep(for: .microseconds(index * 150))
          task.cancel()
          switch await task.result {
          case .success(let body): #expect(body.count == 200_000)
          case .failure(let error): #expect(error is CancellationError)
          }
        }
      }
    }
  }

  @Test func `a transport that goes away closes its connections`() async throws {
    let server = try ScriptedServer { _ in .ok("x").delayed(milliseconds: 1) }
    defer { server.stop() }
    weak var gone: CurlTransport?
    do {
      let shortLived = CurlTransport(proxies: ProxyRules(environment: [:]))
      gone = shortLived
      _ = try await shortLived.collect(request(.get, server.url("/")), limit: 10)
    }
    #expect(gone == nil)
    while server.openConnectionCount > 0 { try await Task.sleep(for: .milliseconds(5)) }
  }

  // MARK: Proxies

  @Test func `a proxy is asked for hosts elsewhere, and gets the whole URL`() async throws {
    let proxy = try ScriptedServer { _ in .ok("proxied") }
    defer { proxy.stop() }
    let through = CurlTransport(proxies: ProxyRules(environment: ["http_proxy": proxy.origin]))
    var elsewhere = try request(.get, "http://registry.invalid/v2/")
    elsewhere.addressRule = .publicOnly
    #expect(try await through.collect(elsewhere, limit: 10).body == Array("proxied".utf8))
    #expect(proxy.requests.map(\.target) == ["http://registry.invalid/v2/"])
    var literal = try request(.get, "http://169.254.169.254/latest")
    literal.addressRule = .publicOnly
    let forbidden = literal
    await #expect(
      throws: TransportError.forbiddenAddress(host: "169.254.169.254", address: "169.254.169.254")
    ) {
      try await through.collect(forbidden, limit: 10)
    }
    #expect(proxy.requests.count == 1)
  }

  @Test func `what a proxy refuses is an error that names it, and the caller's fields stay from it`()
    async throws
  {
    let proxy = try ScriptedServer { _ in .status(407) }
    defer { proxy.stop() }
    let through = CurlTransport(proxies: ProxyRules(environment: ["https_proxy": proxy.origin]))
    var tunnel = try request(.get, "https://registry.invalid/v2/")
    tunnel.headers = ["Authorization": "Bearer secret"]
    let sent = tunnel
    let error = await #expect(throws: TransportError.self) { try await through.collect(sent, limit: 10) }
    #expect(error?.isTransient == false)
    #expect(error?.description.contains("proxy") == true)
    #expect(proxy.requests.map(\.method) == ["CONNECT"])
    #expect(proxy.requests.first?.header("authorization") == nil)
  }
}
