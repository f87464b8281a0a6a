import Synchronization
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.timeLimit(.minutes(2))) struct RequestBodyTests {
  private let transport = CurlTransport(proxies: ProxyRules(environment: [:]))

  private func request(
    _ method: HTTPRequest.Method = .put, _ url: String, _ source: TestBody
  ) throws -> HTTPRequest {
    var request = try HTTPRequest(method, HTTPURL(parsing: url))
    request.bodySource = source
    return request
  }

  @Test(arguments: [0, 1, 70_000, 1 << 20, 1 << 20 + 1, 30_000_000], [1, 3])
  func `a body from a source is sent whole, with its length, also when it is slow to come`(
    byteCount: Int, pauseInterval: Int
  ) async throws {
    let server = try ScriptedServer { _ in .status(201) }
    defer { server.stop() }
    let bytes = pattern(byteCount)
    let source = TestBody(bytes, pauseInterval: pauseInterval == 1 ? 0 : pauseInterval)
    let answer = try await transport.collect(request(.patch, server.url("/upload"), source), limit: 0)
    #expect(answer.response.status == 201)
    let arrived = try #require(server.requests.first)
    #expect(arrived.body == bytes)
    #expect(arrived.header("content-length") == "\(byteCount)")
    #expect(arrived.header("transfer-encoding") == nil)
    #expect((arrived.header("expect") != nil) == (byteCount > 1 << 20))
    #expect(source.seen.largestBuffer <= max(byteCount, 1))
  }

  @Test func `a body of unknown length is sent in chunks`() async throws {
    let server = try ScriptedServer { _ in .status(202) }
    defer { server.stop() }
    let bytes = pattern(3_000_001)
    let source = TestBody(bytes, stating: .some(nil), pieceByteCount: 100_000, pauseInterval: 5)
    _ = try await transport.collect(request(.patch, server.url("/"), source), limit: 0)
    let arrived = try #require(server.requests.first)
    #expect(arrived.body == bytes)
    #expect(arrived.header("transfer-encoding") == "chunked")
    #expect(arrived.header("content-length") == nil)
  }

  @Test func `what a source throws is thrown, and nothing is taken for a request`() async throws {
    let server = try ScriptedServer { _ in .status(201) }
    defer { server.stop() }
    let source = TestBody(pattern(500_000), pieceByteCount: 10_000, failsAfter: 100_000)
    await #expect(throws: TestBody.Broken()) {
      try await transport.collect(request(.put, server.url("/"), source), limit: 0)
    }
    #expect(server.requests.isEmpty)
  }

  @Test func `a source that ends early is told from a lost connection`() async throws {
    let server = try ScriptedServer { _ in .status(201) }
    defer { server.stop() }
    let source = TestBody(pattern(1000), stating: 1001)
    let error = await #expect(throws: TransportError.self) {
      try await transport.collect(request(.put, server.url("/x?secret"), source), limit: 0)
    }
    #expect(error?.isTransient == false)
    #expect("\(try #require(error))".contains("1 bytes early"))
    #expect("\(try #require(error))".contains("secret") == false)
  }

  @Test func `a source with more than it stated is cut there`() async throws {
    let server = try ScriptedServer { _ in .status(201) }
    defer { server.stop() }
    let source = TestBody(pattern(1000), stating: 999)
    _ = try await transport.collect(request(.put, server.url("/"), source), limit: 0)
    #expect(server.requests.map(\.body) == [Array(pattern(1000)[..<999])])
  }

  @Test(arguments: [401, 403, 413, 307, 500], [0, 300_000])
  func `an answer before the end of the body is an answer`(status: Int, read: Int) async throws {
    let server = try ScriptedServer(reading: { _ in read }) { _ in
      .status(status, Array("too much".utf8), ["Location": "/elsewhere"]).closing()
    }
    defer { server.stop() }
    let source = TestBody(pattern(20_000_000))
    let answer = try await transport.collect(request(.put, server.url("/"), source), limit: 100)
    #expect(answer.response.status == status)
    #expect(answer.body == Array("too much".utf8))
    #expect(source.seen.position < 20_000_000)
    // Whoever wanted to be asked first got nothing.
    if read == 0 { #expect(source.seen.begins == 0) }
  }

  @Test func `an answer is seen while the source has nothing to give`() async throws {
    let server = try ScriptedServer(reading: { _ in 0 }) { _ in .status(401).closing() }
    defer { server.stop() }
    let source = TestBody(pattern(500_000), pauseInterval: 1)
    let answer = try await transport.collect(request(.put, server.url("/"), source), limit: 0)
    #expect(answer.response.status == 401)
  }

  @Test func `a refusal that is cut while the body is on its way is a refusal`() async throws {
    let server = try ScriptedServer(reading: { _ in 100_000 }) { _ in
      .status(413, pattern(5000)).cut(after: 1000)
    }
    defer { server.stop() }
    let receiver = TestReceiver()
    let source = TestBody(pattern(20_000_000))
    let response = try await transport.send(request(.put, server.url("/"), source), to: receiver)
    #expect(response.status == 413)
  }

  @Test func `a connection that is lost in the middle of a body is lost`() async throws {
    let server = try ScriptedServer(reading: { _ in 300_000 }) { _ in .raw("").reset(after: 0) }
    defer { server.stop() }
    let source = TestBody(pattern(20_000_000))
    let error = await #expect(throws: TransportError.self) {
      try await transport.collect(request(.put, server.url("/"), source), limit: 0)
    }
    guard case .connectionLost = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `on a connection that turns out dead the body is sent again from its first byte`() async throws {
    let server = try ScriptedServer { request in
      request.path == "/first" ? .raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") : .ok("y")
    }
    defer { server.stop() }
    let first = try HTTPRequest(.get, HTTPURL(parsing: server.url("/first")))
    _ = try await transport.collect(first, limit: 10)
    let source = TestBody(pattern(500_000))
    let answer = try await transport.collect(request(.put, server.url("/second"), source), limit: 10)
    #expect(answer.body == [0x79])
    #expect(server.requests.last?.body == pattern(500_000))
    #expect(server.connectionCount == 2)
  }

  @Test func `a source can be used again`() async throws {
    let server = try ScriptedServer { request in .status(request.path == "/a" ? 503 : 201) }
    defer { server.stop() }
    let source = TestBody(pattern(100_000))
    for path in ["/a", "/b"] {
      _ = try await transport.collect(request(.put, server.url(path), source), limit: 0)
    }
    #expect(server.requests.map(\.body) == [pattern(100_000), pattern(100_000)])
    #expect(source.seen.begins == 2)
  }

  @Test func `a source may be silent for longer than a server`() async throws {
    let server = try ScriptedServer { _ in .status(201) }
    defer { server.stop() }
    let source = TestBody(pattern(1000), pauseInterval: 1)
    var slow = try request(.put, server.url("/"), source)
    slow.patience.stallSeconds = 1
    let sent = slow
    async let answer = transport.collect(sent, limit: 0)
    try await Task.sleep(for: .milliseconds(3500))
    source.makeReady()
    #expect(try await answer.response.status == 201)
  }

  @Test(arguments: [nil, 20])
  func `a server that has everything may take its time, when it is given it`(answerSeconds: Int?) async throws
  {
    let server = try ScriptedServer { _ in .status(201).delayed(milliseconds: 4000) }
    defer { server.stop() }
    var patient = try request(.put, server.url("/"), TestBody(pattern(1000)))
    patient.patience.stallSeconds = 1
    patient.patience.answerSeconds = answerSeconds
    let sent = patient
    if answerSeconds == nil {
      await #expect(throws: TransportError.stalled(host: "127.0.0.1", seconds: 1)) {
        try await transport.collect(sent, limit: 0)
      }
    } else {
      #expect(try await transport.collect(sent, limit: 0).response.status == 201)
    }
  }

  @Test func `cancelling ends an upload whose source has nothing to give`() async throws {
    let server = try ScriptedServer { _ in .status(201) }
    defer { server.stop() }
    let source = TestBody(pattern(1000), pauseInterval: 1)
    let waiting = try request(.put, server.url("/"), source)
    let task = Task { try await transport.collect(waiting, limit: 0) }
    while source.seen.readCount == 0 { await Task.yield() }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
