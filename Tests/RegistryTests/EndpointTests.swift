import HTTPTransport
import Hashing
import OCIModel
import Testing

@testable import Registry

/// Which server is spoken to, and how.
@Suite struct EndpointTests {
  typealias Reply = ScriptedTransport.Reply

  static let manifest = Reply.text("{}", ["Content-Type": "application/vnd.oci.image.manifest.v1+json"])
  static let plainText = Reply.status(
    400, ["Content-Type": "text/plain"], "Client sent an HTTP request to an HTTPS server.\n")
  static let noTLS = Reply.failure(.tls(host: "x", reason: "wrong version number"))
  static let refused = Reply.failure(.couldNotConnect(host: "x", reason: "refused"))
  static let cut = Reply.failure(.connectionLost(host: "x", reason: "reset"))

  func fetch(_ test: TestClient, _ host: String) async throws {
    _ = try await test.client.manifest(for: Reference(parsing: "\(host)/a"))
  }

  func url(_ scheme: String, _ host: String) -> String { "GET \(scheme)://\(host)/v2/a/manifests/latest" }

  @Test(arguments: ["localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000", "sub.localhost:80"])
  func `this machine is spoken to in plain http, at once`(host: String) async throws {
    let test = TestClient([(url("http", host), Self.manifest), (url("http", host), Self.manifest)])
    try await fetch(test, host)
    try await fetch(test, host)
  }

  @Test(arguments: [
    "localhost.example.com:5000", "127.0.0.1.example:5000", "10.0.0.1:5000", "0127.0.0.1:5000",
    "reg.example:80",
    "[::2]:5000",
  ])
  func `everybody else is spoken to by https only`(host: String) async throws {
    let test = TestClient([(url("https", host), Self.noTLS)])
    let error = await registryError { try await fetch(test, host) }
    guard case .transport(_, .tls) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(arguments: [plainText, cut])
  func `a TLS registry on this machine is found out, and remembered`(first: Reply) async throws {
    let host = "localhost:5000"
    let test = TestClient([
      (url("http", host), first), (url("https", host), Self.manifest), (url("https", host), Self.manifest),
    ])
    try await fetch(test, host)
    try await fetch(test, host)
    #expect(try test.transport.request(1).tls.verifies)
  }

  @Test func `a bad certificate on this machine is told`() async throws {
    let host = "localhost:5000"
    let bad = Reply.failure(.tls(host: "localhost", reason: "self-signed"))
    let test = TestClient([(url("http", host), Self.plainText), (url("https", host), bad)])
    let error = await registryError { try await fetch(test, host) }
    #expect(error?.description.contains("self-signed") == true)
  }

  @Test func `a registry's own 400 is not taken for TLS`() async throws {
    let body = #"{"errors":[{"code":"NAME_INVALID","message":"bad"}]}"#
    let test = TestClient([(url("http", "localhost"), .status(400, [:], body))])
    let error = await registryError { try await fetch(test, "localhost") }
    #expect(error?.refusal?.says("NAME_INVALID") == true)
  }

  @Test func `https is never left for http where it was asked for`() async throws {
    let test = TestClient([(url("https", "localhost"), Self.noTLS)], security: .https)
    #expect(await registryError { try await fetch(test, "localhost") } != nil)
  }

  @Test(arguments: [noTLS, refused, cut])
  func `insecure means https with any certificate, else http, and is remembered`(first: Reply) async throws {
    let host = "reg.example:5000"
    let test = TestClient(
      [(url("https", host), first), (url("http", host), Self.manifest), (url("http", host), Self.manifest)],
      security: .insecure)
    try await fetch(test, host)
    try await fetch(test, host)
    #expect(test.transport.requests.map(\.tls.verifies) == [false, false, false])
    let secure = TestClient([(url("https", host), Self.manifest)], security: .insecure)
    try await fetch(secure, host)
  }

  @Test func `a connection that breaks after the answer began is not a matter of schemes`() async throws {
    let host = "reg.example"
    let broken = Reply.body(Array("{}".utf8), cutAfter: 1)
    let test = TestClient(
      [(url("https", host), broken), (url("https", host), Self.manifest)], security: .insecure)
    try await fetch(test, host)
  }

  @Test func `mirrors come first, in order, and their failures are told`() async throws {
    let mirrors = [
      Endpoint(host: "one.example", repositoryPath: "m/a", credentialKey: "one.example/m/a"),
      Endpoint(host: "two.example", repositoryPath: "a", credentialKey: "two.example/a"),
      Endpoint(host: "reg.example", repositoryPath: "a", credentialKey: "reg.example/a"),
    ]
    let test = TestClient(
      [
        ("GET https://one.example/v2/m/a/manifests/latest", .status(404)),
        ("GET https://two.example/v2/a/manifests/latest", Self.manifest),
      ], endpoints: mirrors)
    let manifest = try await test.client.manifest(for: Reference(parsing: "reg.example/a"))
    #expect(manifest.endpoint.host == "two.example")
    guard case .mirrorFailed(host: "one.example", _) = test.log.events.first else {
      Issue.record("\(test.log.lines)")
      return
    }
    let failing = TestClient(
      [
        ("GET https://one.example/v2/m/a/manifests/latest", .status(500)),
        ("GET https://one.example/v2/m/a/manifests/latest", .status(500)),
        ("GET https://two.example/v2/a/manifests/latest", .status(403)),
        ("GET https://reg.example/v2/a/manifests/latest", .status(404)),
      ], endpoints: mirrors)
    let error = await registryError {
      _ = try await failing.client.manifest(for: Reference(parsing: "reg.example/a"))
    }
    guard case .afterMirrors(let failures, .notFound) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(failures.map(\.host) == ["one.example", "two.example"])
    guard case .notFound = error?.root else {
      Issue.record("the last place decides what kind of error it is")
      return
    }
  }

  @Test func `a mirror that nobody answers at is not asked again`() async throws {
    let mirrors = [
      Endpoint(host: "one.example", repositoryPath: "a", credentialKey: "one.example/a"),
      Endpoint(host: "reg.example", repositoryPath: "a", credentialKey: "reg.example/a"),
    ]
    let (one, last) = (url("https", "one.example"), url("https", "reg.example"))
    let test = TestClient(
      [(one, Self.refused), (one, Self.refused), (last, Self.manifest), (last, Self.manifest)],
      endpoints: mirrors)
    try await fetch(test, "reg.example")
    try await fetch(test, "reg.example")
    #expect(test.transport.remaining == 0)
  }

  @Test func `a blob that a mirror cuts is continued at the next place`() async throws {
    let content = Array("0123456789".utf8)
    let blob = Descriptor(mediaType: .ociLayer, digest: Digest(of: content), byteCount: 10)
    let mirrors = [
      Endpoint(host: "one.example", repositoryPath: "a", credentialKey: "one.example/a"),
      Endpoint(host: "reg.example", repositoryPath: "a", credentialKey: "reg.example/a"),
    ]
    let test = TestClient(
      [
        ("GET https://one.example/v2/a/blobs/\(blob.digest)", .body(content, cutAfter: 4)),
        ("GET https://one.example/v2/a/blobs/\(blob.digest)", .status(503)),
        (
          "GET https://reg.example/v2/a/blobs/\(blob.digest)",
          .body(Array(content[4...]), ["Content-Range": "bytes 4-9/10"], status: 206)
        ),
      ], endpoints: mirrors)
    let receiver = TestReceiver(blob.digest)
    try await test.client.fetch(
      blob, from: Reference(parsing: "reg.example/a"), into: receiver, subject: "layer")
    #expect(receiver.bytes == content)
    #expect(test.transport.header("range", of: 2) == "bytes=4-")
  }

  @Test func `credentials of one place are not shown at another`() async throws {
    let transport = ScriptedTransport { request in
      if request.headers.first("authorization") == nil { return .challenge("Basic realm=x") }
      return request.url.host == "one.example" ? .status(404) : Self.manifest
    }
    var configuration = RegistryConfiguration()
    configuration.endpoints = { _ in
      [
        Endpoint(host: "one.example", repositoryPath: "a", credentialKey: "one.example/a"),
        Endpoint(host: "reg.example", repositoryPath: "a", credentialKey: "reg.example/a"),
      ]
    }
    configuration.credentials = { .basic(user: $0.credentialKey, password: "") }
    let client = RegistryClient(transport: transport, configuration: configuration)
    _ = try await client.manifest(for: Reference(parsing: "reg.example/a"))
    let shown = transport.requests.compactMap { $0.headers.first("authorization") }
    #expect(shown == ["one.example/a:", "reg.example/a:"].map { "Basic " + Base64.encode(Array($0.utf8)) })
  }

  @Test(arguments: [
    ("localhost", HostScope.loopback), ("LOCALHOST:5000", .loopback), ("a.localhost.", .loopback),
    ("127.1.2.3:1", .loopback),
    ("[::1]:5000", .loopback), ("[0:0:0:0:0:0:0:1]", .loopback), ("[::ffff:127.0.0.1]", .loopback),
    ("169.254.169.254", .linkLocal), ("[fe80::1]", .linkLocal), ("10.0.0.1", .privateNetwork),
    ("172.16.0.1", .privateNetwork),
    ("172.31.255.255:80", .privateNetwork), ("192.168.1.1", .privateNetwork),
    ("[fd00::1]:80", .privateNetwork),
    ("172.32.0.1", .elsewhere), ("8.8.8.8", .elsewhere), ("127.1", .elsewhere), ("010.0.0.1", .elsewhere),
    ("localhost.example", .elsewhere), ("notlocalhost", .elsewhere), ("[2001:db8::1]", .elsewhere),
    ("", .elsewhere),
    ("[::", .elsewhere), ("1.2.3.4.5", .elsewhere), ("127.0.0.256", .elsewhere),
  ])
  func `hosts are near or far by their spelling`(host: String, scope: HostScope) {
    #expect(HostScope(host) == scope)
  }
}
