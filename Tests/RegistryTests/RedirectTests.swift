import HTTPTransport
import Hashing
import OCIModel
import Testing

@testable import Registry

/// Where a registry may send us, and what goes along.
@Suite struct RedirectTests {
  typealias Reply = ScriptedTransport.Reply

  static let content = Array("hello, layer".utf8)
  static let blob = Descriptor(
    mediaType: .ociLayer, digest: Digest(of: content), byteCount: Int64(content.count))
  static let path = "/v2/a/blobs/\(blob.digest)"

  func fetch(_ test: TestClient, host: String = "reg.example", earlier: [UInt8] = []) async throws -> [UInt8]
  {
    let receiver = TestReceiver(Self.blob.digest, earlier: earlier)
    try await test.client.fetch(
      Self.blob, from: Reference(parsing: "\(host)/a"), into: receiver, subject: "layer")
    return receiver.bytes
  }

  @Test(arguments: [301, 302, 303, 307, 308])
  func `a blob on another host is fetched without authorization, from a public address only`(status: Int)
    async throws
  {
    let test = TestClient(
      [
        ("GET https://reg.example\(Self.path)", .challenge(#"Basic realm="x""#)),
        (
          "GET https://reg.example\(Self.path)",
          .redirect("https://s3.example/b?X-Signature=s", status: status)
        ),
        ("GET https://s3.example/b?X-Signature=s", .body(Self.content)),
      ], credentials: .basic(user: "u", password: "p"))
    #expect(try await fetch(test) == Self.content)
    #expect(test.transport.header("authorization", of: 1) == "Basic dTpw")
    #expect(test.transport.header("authorization", of: 2) == nil)
    #expect(test.transport.requests.map(\.addressRule) == [.any, .any, .publicOnly])
  }

  @Test(arguments: [
    ("https://reg.example/other", true, AddressRule.any), ("/other", true, .any),
    ("https://reg.example:443/other", true, .any),
    ("https://reg.example:8443/other", false, .any), ("https://sub.reg.example/other", false, .publicOnly),
    ("https://10.0.0.1/other", false, .publicOnly), ("//cdn.example/other", false, .publicOnly),
  ])
  func `authorization stays on the same scheme, host and port`(
    location: String, isKept: Bool, rule: AddressRule
  ) async throws {
    let test = TestClient(
      ScriptedTransport { request in
        if request.url.target == "/other" { return .body(Self.content) }
        return request.headers.first("authorization") == nil
          ? .challenge("Basic realm=x") : .redirect(location)
      }, credentials: .basic(user: "u", password: "p"))
    #expect(try await fetch(test) == Self.content)
    let last = try #require(test.transport.requests.last)
    #expect(last.headers.first("authorization") == (isKept ? "Basic dTpw" : nil))
    #expect(last.addressRule == rule)
  }

  @Test func `authorization does not come back with the first host`() async throws {
    let test = TestClient(
      ScriptedTransport { request in
        switch request.url.target {
        case "/hop": .redirect("https://reg.example/back")
        case "/back": .body(Self.content)
        default:
          request.headers.first("authorization") == nil
            ? .challenge("Basic realm=x") : .redirect("https://other.example/hop")
        }
      }, credentials: .basic(user: "u", password: "p"))
    _ = try await fetch(test)
    #expect(test.transport.requests.last?.headers.first("authorization") == nil)
  }

  @Test func `Range and Accept go along`() async throws {
    let test = TestClient([
      ("GET https://reg.example\(Self.path)", .redirect("https://s3.example/b")),
      (
        "GET https://s3.example/b",
        .body(Array(Self.content[5...]), ["Content-Range": "bytes 5-11/12"], status: 206)
      ),
    ])
    #expect(try await fetch(test, earlier: Array(Self.content[..<5])) == Self.content)
    #expect(test.transport.header("range", of: 1) == "bytes=5-")
    let manifest = TestClient([
      ("GET https://reg.example/v2/a/manifests/latest", .redirect("https://cdn.example/m")),
      ("GET https://cdn.example/m", .text("{}")),
    ])
    _ = try await manifest.client.manifest(for: Reference(parsing: "reg.example/a"))
    #expect(manifest.transport.header("accept", of: 1) == manifest.transport.header("accept", of: 0))
  }

  @Test func `https does not lead to http, unless anything goes`() async throws {
    let steps: [(String, Reply)] = [
      ("GET https://reg.example\(Self.path)", .redirect("http://s3.example/b?secret"))
    ]
    let strict = TestClient(steps)
    let error = await registryError { _ = try await fetch(strict) }
    guard case .unsafe = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.description.contains("secret") == false)
    let insecure = TestClient(
      steps + [("GET http://s3.example/b?secret", .body(Self.content))], security: .insecure)
    #expect(try await fetch(insecure) == Self.content)
  }

  @Test func `circles and long ways end`() async throws {
    let circle = TestClient(ScriptedTransport { .redirect($0.url.target == "/x" ? "/y" : "/x") })
    let error = await registryError { _ = try await fetch(circle) }
    #expect(error?.description.contains("circle") == true)
    let long = TestClient(ScriptedTransport { .redirect($0.url.description + "x") })
    let other = await registryError { _ = try await fetch(long) }
    #expect(other?.description.contains("more than 10 redirects") == true)
    #expect(long.transport.requests.count == 11)
  }

  @Test(arguments: ["ftp://x/y", "https://user:pw@x.example/", "http://"])
  func `a redirect to something else than a URL is an error`(location: String) async throws {
    let test = TestClient(ScriptedTransport { _ in .redirect(location) })
    let error = await registryError { _ = try await fetch(test) }
    guard case .unusable = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.description.contains("pw") == false)
  }

  @Test(arguments: [
    ("localhost:5000", true), ("127.0.0.1:5000", true), ("10.1.2.3", true), ("reg.example", false),
  ])
  func `a registry that is private itself may lead to private addresses`(host: String, isAllowed: Bool)
    async throws
  {
    let test = TestClient(
      ScriptedTransport {
        $0.url.host == "minio.internal" ? .body(Self.content) : .redirect("https://minio.internal/b")
      })
    _ = try await fetch(test, host: host)
    #expect(test.transport.requests.last?.addressRule == (isAllowed ? .notLinkLocal : .publicOnly))
  }

  @Test func `a registry that was seen at a private address may lead to others, but not to this machine`()
    async throws
  {
    func rule(_ target: String) async throws -> AddressRule? {
      let test = TestClient(
        ScriptedTransport { request in
          if request.url.target == "/b" { return .body(Self.content) }
          var reply = Reply.redirect(target)
          reply.isPrivate = true
          return reply
        })
      _ = try await fetch(test)
      return test.transport.requests.last?.addressRule
    }
    #expect(try await rule("https://minio.corp.example/b") == .notLinkLocal)
    #expect(try await rule("https://169.254.169.254/b") == .publicOnly)
    #expect(try await rule("https://localhost/b") == .publicOnly)
  }

  @Test func `our client certificate is for the registry only`() async throws {
    var tls = TLSPolicy()
    tls.clientCertificate = .init(certificateFile: "c.pem", keyFile: "k.pem")
    let reference = try Reference(parsing: "reg.example/a")
    let test = TestClient(
      ScriptedTransport {
        $0.url.host == "s3.example" ? .body(Self.content) : .redirect("https://s3.example/b")
      },
      endpoints: [Endpoint(reference, tls: tls)])
    _ = try await fetch(test)
    #expect(test.transport.requests.map { $0.tls.clientCertificate == nil } == [false, true])
  }

  @Test func `a redirect's target that wants a token gets an anonymous one of its own`() async throws {
    let test = TestClient(
      [
        ("GET https://reg.example\(Self.path)", .challenge("Basic realm=x")),
        ("GET https://reg.example\(Self.path)", .redirect("https://front.example/v2/b")),
        (
          "GET https://front.example/v2/b",
          .challenge(#"Bearer realm="https://front.example/token",scope="repository:z:pull""#)
        ),
        ("GET https://front.example/token?scope=repository%3Az%3Apull", .text(#"{"token":"t"}"#)),
        ("GET https://front.example/v2/b", .body(Self.content)),
      ], credentials: .basic(user: "u", password: "p"))
    #expect(try await fetch(test) == Self.content)
    #expect(test.transport.header("authorization", of: 3) == nil)
    #expect(test.transport.header("authorization", of: 4) == "Bearer t")
    #expect(try test.transport.request(4).addressRule == .publicOnly)
  }

  @Test(arguments: [
    // realm, the rule for it, or nil when it is refused
    ("https://auth.example/t", AddressRule.publicOnly), ("https://reg.example:5001/t", .any),
    ("https://127.0.0.1/t", .publicOnly), ("http://auth.example/t", nil), ("http://reg.example/t", nil),
    ("file:///etc/passwd", nil),
  ])
  func `a realm is https, and public unless it is the registry's own host`(
    realm: String, rule: AddressRule?
  ) async throws {
    let test = TestClient(
      ScriptedTransport { request in
        if request.url.target.hasPrefix("/t") { return .text(#"{"token":"t"}"#) }
        let challenge = Reply.challenge(#"Bearer realm="\#(realm)""#)
        return request.headers.first("authorization") == nil ? challenge : .body(Self.content)
      })
    let error = await registryError { _ = try await fetch(test) }
    #expect((error == nil) == (rule != nil))
    #expect(test.transport.requests.first { $0.url.target.hasPrefix("/t") }?.addressRule == rule)
  }

  @Test func `a registry on this machine may have its token server there too`() async throws {
    let test = TestClient([
      ("GET http://localhost:5000\(Self.path)", .challenge(#"Bearer realm="http://127.0.0.1:5001/token""#)),
      ("GET http://127.0.0.1:5001/token?scope=repository%3Aa%3Apull", .text(#"{"token":"t"}"#)),
      ("GET http://localhost:5000\(Self.path)", .body(Self.content)),
    ])
    #expect(try await fetch(test, host: "localhost:5000") == Self.content)
    #expect(try test.transport.request(1).addressRule == .notLinkLocal)
  }

  @Test func `a token request's redirect loses the password on another host`() async throws {
    let test = TestClient(
      [
        ("GET https://reg.example\(Self.path)", .challenge(#"Bearer realm="https://auth.example/t""#)),
        (
          "GET https://auth.example/t?scope=repository%3Aa%3Apull&account=u",
          .redirect("https://login.example/t")
        ),
        ("GET https://login.example/t", .text(#"{"token":"t"}"#)),
        ("GET https://reg.example\(Self.path)", .body(Self.content)),
      ], credentials: .basic(user: "u", password: "p"))
    _ = try await fetch(test)
    #expect(test.transport.header("authorization", of: 1) == "Basic dTpw")
    #expect(test.transport.header("authorization", of: 2) == nil)
    #expect(try test.transport.request(2).addressRule == .publicOnly)
  }
}
