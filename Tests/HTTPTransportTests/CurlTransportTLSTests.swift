import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.timeLimit(.minutes(5)))
struct CurlTransportTLSTests {
  private let transport = CurlTransport(proxies: ProxyRules(environment: [:]))

  private func get(_ url: String, _ change: (inout TLSPolicy) -> Void = { _ in }) throws -> HTTPRequest {
    var request = try HTTPRequest(.get, HTTPURL(parsing: url))
    change(&request.tls)
    return request
  }

  private func text(_ request: HTTPRequest) async throws -> String {
    try await String(decoding: transport.collect(request, limit: 1000).body, as: UTF8.self)
  }

  private func expectTLSFailure(_ request: HTTPRequest) async {
    let error = await #expect(throws: TransportError.self) {
      try await transport.collect(request, limit: 1000)
    }
    guard case .tls("localhost", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a private authority is refused until it is named or checking is off`() async throws {
    let server = try await TLSServer.start()
    defer { server.stop() }
    let url = server.url("/connection")
    await expectTLSFailure(try get(url))
    await expectTLSFailure(try get(url) { $0.additionalAuthorityFiles = [server.path("other.pem")] })
    for files in [["ca.pem"], ["other.pem", "ca.pem"]] {
      let trusted = try get(url) { $0.additionalAuthorityFiles = files.map(server.path) }
      #expect(try await text(trusted).hasSuffix("HTTP/2.0"))
    }
    #expect(try await text(get(url) { $0.authorityFile = server.path("ca.pem") }).hasSuffix("HTTP/2.0"))
    #expect(try await text(get(url) { $0.verifies = false }).hasSuffix("HTTP/2.0"))
    await expectTLSFailure(try get(url) { $0.authorityFile = server.path("other.pem") })
  }

  @Test func `an additional authority stands beside the one that replaces the system's`() async throws {
    let server = try await TLSServer.start()
    defer { server.stop() }
    for (base, additional) in [("ca.pem", "other.pem"), ("other.pem", "ca.pem")] {
      let request = try get(server.url("/connection")) {
        $0.authorityFile = server.path(base)
        $0.additionalAuthorityFiles = [server.path(additional)]
      }
      #expect(try await text(request).hasSuffix("HTTP/2.0"))
    }
  }

  @Test func `a directory of hashed certificates is searched`() async throws {
    let server = try await TLSServer.start()
    defer { server.stop() }
    let directory = server.directory.appending(path: "hashed")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: server.path("ca.pem"), toPath: directory.appending(path: "ca.pem").path)
    try ChildProcess.run(["/usr/bin/openssl", "rehash", directory.path])
    let request = try get(server.url("/connection")) { $0.authorityDirectory = directory.path }
    #expect(try await text(request).hasSuffix("HTTP/2.0"))
  }

  @Test func `the certificate must be for the host`() async throws {
    let server = try await TLSServer.start()
    defer { server.stop() }
    let request = try get(server.url("/connection", host: "127.0.0.1")) {
      $0.additionalAuthorityFiles = [server.path("ca.pem")]
    }
    let error = await #expect(throws: TransportError.self) {
      try await transport.collect(request, limit: 1000)
    }
    guard case .tls("127.0.0.1", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(arguments: [true, false])
  func `a connection made under one policy serves no other`(speaksHTTP2: Bool) async throws {
    let server = try await TLSServer.start(speaksHTTP2: speaksHTTP2)
    defer { server.stop() }
    let url = server.url("/connection")
    let unchecked = try get(url) { $0.verifies = false }
    let trusting = try get(url) { $0.additionalAuthorityFiles = [server.path("ca.pem")] }
    let first = try await text(unchecked)
    #expect(try await text(unchecked) == first)
    await expectTLSFailure(try get(url))
    await expectTLSFailure(try get(url) { $0.additionalAuthorityFiles = [server.path("other.pem")] })
    let second = try await text(trusting)
    #expect(second != first)
    #expect(try await text(trusting) == second)
    await expectTLSFailure(try get(url))
    #expect(try await text(unchecked) == first)
  }

  @Test func `a client certificate is shown`() async throws {
    let server = try await TLSServer.start(demandsClient: true)
    defer { server.stop() }
    func request(_ name: String?) throws -> HTTPRequest {
      try get(server.url("/connection")) {
        $0.additionalAuthorityFiles = [server.path("ca.pem")]
        $0.clientCertificate = name.map {
          TLSPolicy.ClientCertificate(
            certificateFile: server.path($0 + ".pem"), keyFile: server.path($0 + ".key"))
        }
      }
    }
    #expect(try await transport.collect(request(nil), limit: 1000).response.status == 400)
    #expect(try await transport.collect(request("client"), limit: 1000).response.status == 200)
    let error = await #expect(throws: TransportError.self) {
      try await transport.collect(request("missing"), limit: 1000)
    }
    guard case .unusableFile(let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains("missing.pem"))
  }

  @Test func `an authority file without a certificate is an error that names it`() async throws {
    let server = try await TLSServer.start()
    defer { server.stop() }
    for name in ["missing.pem", "nginx.conf", "server.key"] {
      for isAdditional in [true, false] {
        let request = try get(server.url("/connection")) {
          if isAdditional {
            $0.additionalAuthorityFiles = [server.path(name)]
          } else {
            $0.authorityFile = server.path(name)
          }
        }
        let error = await #expect(throws: TransportError.self) {
          try await transport.collect(request, limit: 1000)
        }
        guard case .unusableFile(let reason) = error else {
          Issue.record("\(name): \(String(describing: error))")
          continue
        }
        #expect(reason.contains(name))
      }
    }
  }

  @Test func `a server without TLS is no secure connection`() async throws {
    let server = try await TLSServer.start(speaksTLS: false, speaksHTTP2: false)
    defer { server.stop() }
    await expectTLSFailure(try get(server.url("/")))
  }

  @Test func `a connection that ends in the handshake says nothing about certificates`() async throws {
    let server = try ScriptedServer { _ in .ok() }
    defer { server.stop() }
    let request = try get("https://localhost:\(server.port)/")
    let error = await #expect(throws: TransportError.self) { try await transport.collect(request, limit: 10) }
    #expect(error?.isTransient == true)
  }

  @Test func `transfers share an HTTP 2 connection, and a paused one does not hold up the others`()
    async throws
  {
    let body = pattern(30_000_000)
    let server = try await TLSServer.start(body: body)
    defer { server.stop() }
    let trusting = try get(server.url("/body")) { $0.additionalAuthorityFiles = [server.path("ca.pem")] }
    let first = try await text(get(server.url("/connection")) { $0 = trusting.tls })
    let paused = TestReceiver { count, _ in count < 1_000_000 }
    let waiting = Task { try await transport.send(trusting, to: paused) }
    while paused.seen.pauseCount == 0 { try await Task.sleep(for: .milliseconds(5)) }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask { try await transport.collect(trusting, limit: body.count).body == body }
      }
      for try await isEqual in group { #expect(isEqual) }
    }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    #expect(try await text(get(server.url("/connection")) { $0 = trusting.tls }) == first)
  }

  @Test(arguments: [true, false])
  func `pauses over TLS lose nothing`(speaksHTTP2: Bool) async throws {
    let body = pattern(30_000_000)
    let server = try await TLSServer.start(body: body, speaksHTTP2: speaksHTTP2)
    defer { server.stop() }
    let trusting = try get(server.url("/body")) { $0.additionalAuthorityFiles = [server.path("ca.pem")] }
    try await withThrowingTaskGroup(of: TestReceiver.self) { group in
      for seed in 3..<6 {
        group.addTask {
          let calls = Atomic(0)
          let receiver = TestReceiver { _, control in
            let call = calls.add(1, ordering: .relaxed).newValue
            guard call % (seed * 20) == 0 else { return true }
            Task {
              if call % 7 == 0 { try await Task.sleep(for: .milliseconds(10)) }
              control.resume()
            }
            return false
          }
          _ = try await transport.send(trusting, to: receiver)
          return receiver
        }
      }
      for try await receiver in group {
        #expect(receiver.seen.body == body)
        #expect(receiver.seen.pauseCount > 10)
        #expect(receiver.seen.hasRepeatedRefused)
      }
    }
  }

  @Test func `a body that is not wanted leaves the HTTP 2 connection to others`() async throws {
    let server = try await TLSServer.start(body: pattern(30_000_000))
    defer { server.stop() }
    let trusting = try get(server.url("/body")) { $0.additionalAuthorityFiles = [server.path("ca.pem")] }
    let first = try await text(get(server.url("/connection")) { $0 = trusting.tls })
    let response = try await transport.send(trusting, to: TestReceiver(wantsBody: false))
    #expect(response.contentLength == 30_000_000)
    #expect(try await text(get(server.url("/connection")) { $0 = trusting.tls }) == first)
  }

  @Test(arguments: [true, false])
  func `bodies whose sources pause arrive whole over TLS`(speaksHTTP2: Bool) async throws {
    let behind = try ScriptedServer { _ in .status(201) }
    defer { behind.stop() }
    let server = try await TLSServer.start(speaksHTTP2: speaksHTTP2, forwardingTo: behind.port)
    defer { server.stop() }
    let trusting = try get(server.url("/connection")) {
      $0.additionalAuthorityFiles = [server.path("ca.pem")]
    }
    _ = try await text(trusting)
    let bodies = (0..<4).map { pattern(5_000_000 + $0) }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for (index, body) in bodies.enumerated() {
        var put = trusting
        put.url = try HTTPURL(parsing: server.url("/forward/\(index)"))
        put.method = .put
        put.bodySource = TestBody(body, pieceByteCount: 50_000, pauseInterval: 3 + index)
        let sent = put
        group.addTask { try await transport.collect(sent, limit: 10).response.status }
      }
      for try await status in group { #expect(status == 201) }
    }
    for (index, body) in bodies.enumerated() {
      #expect(behind.requests.first { $0.path == "/forward/\(index)" }?.body == body)
    }
  }

  @Test(arguments: [true, false], [(0, 413), (1, 413), (0, 401), (1, 401)])
  func `an early answer over TLS is an answer`(
    speaksHTTP2: Bool, case pausesAndStatus: (Int, Int)
  ) async throws {
    let (pauseInterval, status) = pausesAndStatus
    let behind = try ScriptedServer(reading: { _ in 0 }) { _ in .status(401, Array("no".utf8)).closing() }
    defer { behind.stop() }
    let server = try await TLSServer.start(speaksHTTP2: speaksHTTP2, forwardingTo: behind.port)
    defer { server.stop() }
    var put = try get(server.url(status == 413 ? "/small" : "/forward/x")) {
      $0.additionalAuthorityFiles = [server.path("ca.pem")]
    }
    put.method = .put
    put.bodySource = TestBody(pattern(20_000_000), pauseInterval: pauseInterval)
    let answer = try await transport.collect(put, limit: 10_000)
    #expect(answer.response.status == status)
    #expect(!answer.body.isEmpty)
  }

  @Test func `a body is sent whole over HTTP 2`() async throws {
    let server = try await TLSServer.start()
    defer { server.stop() }
    var put = try get(server.url("/upload")) { $0.additionalAuthorityFiles = [server.path("ca.pem")] }
    put.method = .put
    put.body = pattern(10_000_000)
    #expect(try await text(put) == "10000000")
  }
}
