import HTTPTransport
import Hashing
import OCIModel
import OrderedJSON
import Testing

@testable import Registry

/// Tokens and passwords: who gets which, how often, and when it ends.
@Suite struct AuthenticationTests {
  typealias Reply = ScriptedTransport.Reply

  static let reference = "reg.example/a/b:1"
  static let manifestURL = "https://reg.example/v2/a/b/manifests/1"
  static let challenge = Reply.challenge(
    #"Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull""#)
  static let tokenURL = "GET https://auth.example/token?service=reg&scope=repository%3Aa%2Fb%3Apull"
  static let manifest = Reply.text("{}", ["Content-Type": "application/vnd.oci.image.manifest.v1+json"])

  static func token(_ name: String, expiresIn seconds: Int = 300) -> Reply {
    .text(#"{"token":"\#(name)","expires_in":\#(seconds)}"#)
  }

  func fetch(_ test: TestClient) async throws {
    _ = try await test.client.manifest(for: Reference(parsing: Self.reference))
  }

  @Test func `an open registry is asked once, without a ping`() async throws {
    let test = TestClient([("GET \(Self.manifestURL)", Self.manifest)])
    try await fetch(test)
    #expect(test.transport.header("authorization", of: 0) == nil)
    #expect(test.transport.header("user-agent", of: 0) == "cooper-test/1")
  }

  @Test func `a challenge is answered by an anonymous token, which later requests send at once`() async throws
  {
    let test = TestClient([
      ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL, Self.token("t1")),
      ("GET \(Self.manifestURL)", Self.manifest), ("GET \(Self.manifestURL)", Self.manifest),
    ])
    try await fetch(test)
    try await fetch(test)
    #expect(test.transport.header("authorization", of: 1) == nil)
    #expect(test.transport.header("authorization", of: 2) == "Bearer t1")
    #expect(test.transport.header("authorization", of: 3) == "Bearer t1")
    #expect(test.transport.remaining == 0)
  }

  @Test func `a password goes to the token server only`() async throws {
    let test = TestClient(
      [
        ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL + "&account=me", Self.token("t1")),
        ("GET \(Self.manifestURL)", Self.manifest),
      ], credentials: .basic(user: "me", password: "pä:ss"))
    try await fetch(test)
    #expect(test.transport.header("authorization", of: 0) == nil)
    #expect(test.transport.header("authorization", of: 1) == "Basic bWU6cMOkOnNz")
    #expect(test.transport.header("authorization", of: 2) == "Bearer t1")
  }

  @Test func `a Basic challenge gets the password, for other repositories of the host at once`() async throws
  {
    let other = "https://reg.example/v2/c/manifests/latest"
    let test = TestClient(
      [
        ("GET \(Self.manifestURL)", .challenge(#"Basic realm="reg""#)),
        ("GET \(Self.manifestURL)", Self.manifest),
        ("GET \(other)", .challenge(#"Basic realm="reg""#)), ("GET \(other)", Self.manifest),
      ], credentials: .basic(user: "u", password: "p"))
    try await fetch(test)
    _ = try await test.client.manifest(for: Reference(parsing: "reg.example/c"))
    #expect(test.transport.header("authorization", of: 1) == "Basic dTpw")
  }

  @Test func `a Basic challenge without credentials is denied`() async throws {
    let test = TestClient([("GET \(Self.manifestURL)", .challenge(#"Negotiate, Basic realm="reg""#))])
    let error = await registryError { try await fetch(test) }
    guard case .denied(let refusal) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(refusal.status == 401)
    #expect(refusal.hint == "no credentials are stored for reg.example/a/b")
  }

  @Test func `a refused password is not sent a second time`() async throws {
    let challenge = Reply.challenge(#"Basic realm="reg""#)
    let test = TestClient(
      [("GET \(Self.manifestURL)", challenge), ("GET \(Self.manifestURL)", challenge)],
      credentials: .basic(user: "u", password: "p"))
    let error = await registryError { try await fetch(test) }
    #expect(error?.isDenial == true)
    #expect(test.transport.remaining == 0)
  }

  @Test func `an identity token is exchanged by POST`() async throws {
    let test = TestClient(
      [
        ("GET \(Self.manifestURL)", Self.challenge),
        ("POST https://auth.example/token", .text(#"{"access_token":"t1","expires_in":300}"#)),
        ("GET \(Self.manifestURL)", Self.manifest),
      ], credentials: .identityToken("secret/1"))
    try await fetch(test)
    let request = try test.transport.request(1)
    #expect(
      String(decoding: request.body ?? [], as: UTF8.self)
        == "grant_type=refresh_token&refresh_token=secret%2F1&client_id=cooper&service=reg&scope=repository%3Aa%2Fb%3Apull"
    )
    #expect(request.headers.first("content-type") == "application/x-www-form-urlencoded")
    #expect(test.transport.header("authorization", of: 2) == "Bearer t1")
  }

  @Test(arguments: [404, 405])
  func `a token server without POST is asked by GET`(status: Int) async throws {
    let test = TestClient(
      [
        ("GET \(Self.manifestURL)", Self.challenge), ("POST https://auth.example/token", .status(status)),
        (Self.tokenURL, Self.token("t1")), ("GET \(Self.manifestURL)", Self.manifest),
      ], credentials: .identityToken("secret"))
    try await fetch(test)
    #expect(test.transport.header("authorization", of: 2) == "Basic PHRva2VuPjpzZWNyZXQ=")
  }

  @Test func `a token server's POST is not redirected`() async throws {
    let test = TestClient(
      [
        ("GET \(Self.manifestURL)", Self.challenge),
        ("POST https://auth.example/token", .redirect("https://other.example/token")),
      ], credentials: .identityToken("secret"))
    let error = await registryError { try await fetch(test) }
    guard case .unsafe = error?.root else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a registry token is sent as it is`() async throws {
    let test = TestClient(
      [("GET \(Self.manifestURL)", Self.challenge), ("GET \(Self.manifestURL)", Self.manifest)],
      credentials: .registryToken("mine"))
    try await fetch(test)
    #expect(test.transport.header("authorization", of: 1) == "Bearer mine")
  }

  @Test func `service and scope may be missing, and the realm may have a query`() async throws {
    let test = TestClient([
      ("GET \(Self.manifestURL)", .challenge(#"Bearer realm="https://auth.example/token?x=1""#)),
      ("GET https://auth.example/token?x=1&scope=repository%3Aa%2Fb%3Apull", Self.token("t1")),
      ("GET \(Self.manifestURL)", Self.manifest),
    ])
    try await fetch(test)
  }

  @Test func `several scopes are several parameters`() async throws {
    let challenge = Reply.challenge(
      #"Bearer realm="https://auth.example/token",scope="repository:a/b:pull repository:c:pull""#)
    let test = TestClient([
      ("GET \(Self.manifestURL)", challenge),
      (
        "GET https://auth.example/token?scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull",
        Self.token("t1")
      ),
      ("GET \(Self.manifestURL)", Self.manifest),
    ])
    try await fetch(test)
  }

  @Test func `a token that was revoked in the meantime is replaced once`() async throws {
    let test = TestClient([
      ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL, Self.token("t1")),
      ("GET \(Self.manifestURL)", Self.manifest),
      ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL, Self.token("t2")),
      ("GET \(Self.manifestURL)", Self.manifest),
    ])
    try await fetch(test)
    try await fetch(test)
    #expect(test.transport.header("authorization", of: 3) == "Bearer t1")
    #expect(test.transport.header("authorization", of: 5) == "Bearer t2")
  }

  @Test func `a fresh token that is refused for just its scope is final`() async throws {
    let test = TestClient([
      ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL, Self.token("t1")),
      (
        "GET \(Self.manifestURL)",
        .status(
          401,
          [
            "WWW-Authenticate":
              #"Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull""#
          ],
          #"{"errors":[{"code":"UNAUTHORIZED","message":"no","detail":{"x":[1]}}]}"#)
      ),
    ])
    let error = await registryError { try await fetch(test) }
    guard case .denied(let refusal) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(refusal.messages.first?.code == "UNAUTHORIZED")
    #expect(refusal.messages.first?.detail == ["x": [1]])
    #expect(test.transport.remaining == 0)
  }

  @Test func `a wider scope that is asked for afterwards is asked for`() async throws {
    let wider =
      #"Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push",error="insufficient_scope""#
    let test = TestClient([
      ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL, Self.token("t1")),
      ("GET \(Self.manifestURL)", .challenge(wider)),
      (
        "GET https://auth.example/token?service=reg&scope=repository%3Aa%2Fb%3Apull%2Cpush",
        Self.token("t2")
      ),
      ("GET \(Self.manifestURL)", Self.manifest),
    ])
    try await fetch(test)
    #expect(test.transport.header("authorization", of: 4) == "Bearer t2")
  }

  @Test func `a registry that never has enough is left`() async throws {
    let test = TestClient(
      ScriptedTransport { request in
        if request.url.host == "auth.example" { return Self.token("t") }
        let scope = request.headers.first("authorization") ?? ""
        return .challenge(
          #"Bearer realm="https://auth.example/token",scope="repository:\#(scope.count):pull""#)
      })
    let error = await registryError { try await fetch(test) }
    #expect(error?.isDenial == true)
    #expect(test.transport.requests.count < 12)
  }

  @Test(arguments: [
    // expires_in, seconds that pass, whether a new token is needed
    (300, 200, false), (300, 290, true), (10, 50, false), (10, 58, true), (-5, 50, false),
    (1_000_000_000, 80_000, true),
  ])
  func `tokens are replaced before they expire by the local clock`(
    lifetime: Int, passed: Int, isReplaced: Bool
  ) async throws {
    let test = TestClient(
      [
        ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL, Self.token("t1", expiresIn: lifetime)),
        ("GET \(Self.manifestURL)", Self.manifest),
      ] + (isReplaced ? [(Self.tokenURL, Self.token("t2"))] : []) + [
        ("GET \(Self.manifestURL)", Self.manifest)
      ])
    try await fetch(test)
    test.time.advance(.seconds(passed))
    try await fetch(test)
    #expect(test.transport.remaining == 0)
  }

  @Test(arguments: [
    (#"{"token":"a"}"#, "a"), (#"{"access_token":"b"}"#, "b"), (#"{"token":"","access_token":"c"}"#, "c"),
    (#"{"token":"d","access_token":"e","expires_in":"300","issued_at":"x"}"#, "d"),
  ])
  func `a token is found under either name`(body: String, token: String) async throws {
    let test = TestClient([
      ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL, .text(body)),
      ("GET \(Self.manifestURL)", Self.manifest),
    ])
    try await fetch(test)
    #expect(test.transport.header("authorization", of: 2) == "Bearer \(token)")
  }

  @Test(arguments: [
    "{}", "<html>", #"{"token":7}"#, #"{"token":"a\r\nX-Evil: 1"}"#, #"{"token":"a b"}"#, "[]",
    String(repeating: " ", count: 2 << 20),
  ])
  func `an answer without a usable token ends the request`(body: String) async throws {
    let test = TestClient([("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL, .text(body))])
    let error = await registryError { try await fetch(test) }
    guard case .token(for: "reg.example", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a token request is repeated when the token server is busy`() async throws {
    let test = TestClient([
      ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL, .status(503)),
      (Self.tokenURL, .failure(.connectionLost(host: "auth.example", reason: "reset"))),
      (Self.tokenURL, Self.token("t1")), ("GET \(Self.manifestURL)", Self.manifest),
    ])
    try await fetch(test)
    #expect(test.time.sleeps == [.milliseconds(500), .seconds(1)])
  }

  @Test func `requests at the same time share one token request`() async throws {
    let test = TestClient(
      ScriptedTransport { request in
        if request.url.host == "auth.example" {
          // Long enough for the others to come along; the outcome does not depend on it.
          for _ in 0..<50 { await Task.yield() }
          return Self.token("t1")
        }
        return request.headers.first("authorization") == nil ? Self.challenge : Self.manifest
      })
    try await withThrowingTaskGroup { group in
      for _ in 0..<8 { group.addTask { try await fetch(test) } }
      try await group.waitForAll()
    }
    #expect(test.transport.lines.count { $0 == Self.tokenURL } == 1)
  }

  @Test func `stored credentials that a token server refuses are left out, and that is told`() async throws {
    let refusal = Reply.status(403, [:], #"{"errors":[{"code":"DENIED","message":"denied"}]}"#)
    let test = TestClient(
      [
        ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL + "&account=me", refusal),
        (Self.tokenURL, Self.token("anonymous")), ("GET \(Self.manifestURL)", Self.manifest),
        ("GET \(Self.manifestURL)", Self.manifest),
      ], credentials: .basic(user: "me", password: "expired"))
    try await fetch(test)
    try await fetch(test)
    #expect(test.transport.header("authorization", of: 2) == nil)
    #expect(test.log.lines.count == 1)
    #expect(test.log.lines.first?.contains("continuing without credentials") == true)
    #expect(test.log.lines.first?.contains("expired") == false)
  }

  @Test func `credentials that a registry answers with 403 are left out once`() async throws {
    let test = TestClient(
      [
        ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL + "&account=me", Self.token("t1")),
        ("GET \(Self.manifestURL)", .status(403)), (Self.tokenURL, Self.token("anonymous")),
        ("GET \(Self.manifestURL)", Self.manifest), ("GET \(Self.manifestURL)", Self.manifest),
      ], credentials: .basic(user: "me", password: "p"))
    try await fetch(test)
    try await fetch(test)
    #expect(test.transport.header("authorization", of: 5) == "Bearer anonymous")
    #expect(test.log.lines.count == 1)
  }

  @Test func `the first 403 is shown when going without credentials does not help`() async throws {
    let test = TestClient(
      [
        ("GET \(Self.manifestURL)", Self.challenge), (Self.tokenURL + "&account=me", Self.token("t1")),
        (
          "GET \(Self.manifestURL)",
          .status(403, [:], #"{"errors":[{"code":"DENIED","message":"not yours"}]}"#)
        ),
        (Self.tokenURL, Self.token("anonymous")), ("GET \(Self.manifestURL)", .status(404)),
      ], credentials: .basic(user: "me", password: "p"))
    let error = await registryError { try await fetch(test) }
    #expect(error?.description.contains("not yours") == true)
    #expect(test.log.events.isEmpty)
  }

  @Test func `credentials that cannot be read are an error of their own`() async throws {
    struct Broken: Error {}
    let transport = ScriptedTransport([("GET \(Self.manifestURL)", Self.challenge)])
    var configuration = RegistryConfiguration()
    configuration.credentials = { _ in throw Broken() }
    let client = RegistryClient(transport: transport, configuration: configuration)
    let error = await registryError { _ = try await client.manifest(for: Reference(parsing: Self.reference)) }
    guard case .credentials(key: "reg.example/a/b", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `credentials show no secret`() {
    for credentials in [
      Credentials.basic(user: "u", password: "hidden"), .identityToken("hidden"), .registryToken("hidden"),
    ] {
      var dumped = ""
      dump(credentials, to: &dumped)
      for text in ["\(credentials)", String(reflecting: credentials), dumped, "\([credentials])"] {
        #expect(!text.contains("hidden"))
      }
    }
  }

  @Test func `logging in shows the password to the token server and takes no for an answer`() async throws {
    let challenge = Reply.challenge(#"Bearer realm="https://auth.example/token",service="reg""#)
    let url = "GET https://auth.example/token?service=reg&account=me"
    let good = TestClient(
      [
        ("GET https://reg.example/v2/", challenge), (url, Self.token("t")),
        ("GET https://reg.example/v2/", .status(200)),
      ],
      credentials: .basic(user: "me", password: "p"))
    #expect(try await good.client.checkLogin(Endpoint(registry: "reg.example")) == .accepted)
    let bad = TestClient(
      [("GET https://reg.example/v2/", challenge), (url, .status(401))],
      credentials: .basic(user: "me", password: "p"))
    let error = await registryError { _ = try await bad.client.checkLogin(Endpoint(registry: "reg.example")) }
    #expect(error?.isDenial == true)
    let open = TestClient([("GET https://registry-1.docker.io/v2/", .status(200))])
    #expect(try await open.client.checkLogin(Endpoint(registry: "docker.io")) == .notAskedFor)
  }
}
