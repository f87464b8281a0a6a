import Hashing
import Synchronization
import TestSupport
import Testing

/// Token servers and challenges that misbehave, and tokens that end in the middle of a pull.
@Suite struct TokenFaultTests {
  /// A registry that asks for a token of the server at `realm`, or at its own `/token`.
  ///
  /// It accepts what `accepts` says; its own tokens are `token-1`, `token-2` and so on.
  private func registry(
    realm: String? = nil, token: @escaping @Sendable (_ number: Int) -> ScriptedReply = Self.token,
    accepts: @escaping @Sendable (_ token: String, _ request: RecordedRequest, _ count: Int) -> Bool
  ) throws -> MemoryRegistry {
    let given = Mutex(0)
    return try MemoryRegistry(Sample.image) { request, count, reply in
      let own = "http://\(request.header("host") ?? "")/token"
      if request.path == "/token" {
        return token(
          given.withLock {
            $0 += 1
            return $0
          })
      }
      let shown = request.header("authorization").map { String($0.dropFirst("Bearer ".count)) } ?? ""
      if accepts(shown, request, count) { return reply }
      return ScriptedReply.status(401).header(
        "WWW-Authenticate",
        "Bearer realm=\"\(realm ?? own)\",service=\"test\",scope=\"repository:image:pull\"")
    }
  }

  private static let token: @Sendable (Int) -> ScriptedReply = { number in
    .ok("{\"token\":\"token-\(number)\",\"expires_in\":300}")
  }

  private func pull(_ registry: MemoryRegistry, _ more: [String] = []) async throws -> Workplace.Outcome {
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(registry.reference, more)
    #expect(!outcome.errors.contains("token-"))
    #expect(!outcome.errors.contains("s3cret"))
    return outcome
  }

  // MARK: Tokens that end

  @Test func `one token serves a whole pull`() async throws {
    let registry = try registry { token, _, _ in token == "token-1" }
    defer { registry.stop() }
    let outcome = try await pull(registry)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(registry.server.requests.count { $0.path == "/token" } == 1)
    #expect(registry.server.requests.count { $0.header("authorization") == nil } == 2, "manifest, token")
  }

  @Test func `a token that ends between manifest and blobs is replaced once`() async throws {
    let registry = try registry { token, request, _ in
      request.path.contains("/manifests/") ? token == "token-1" : token == "token-2"
    }
    defer { registry.stop() }
    let outcome = try await pull(registry)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let archive = try await Sample.archive
    #expect(outcome.archive == archive)
    #expect(registry.server.requests.count { $0.path == "/token" } == 2)
  }

  @Test func `a token that ends between two blobs is replaced`() async throws {
    let registry = try registry { token, request, _ in
      request.path == MemoryRegistry.blobPath(Sample.secondLayer)
        ? token == "token-2" : token.hasPrefix("token-")
    }
    defer { registry.stop() }
    let outcome = try await pull(registry)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(registry.server.requests.count { $0.path == "/token" } == 2)
  }

  @Test func `a token that ends in the middle of a layer is replaced, and the layer goes on`() async throws {
    let hasEnded = Mutex(false)
    let given = Mutex(0)
    let registry = try MemoryRegistry(Sample.image) { request, count, reply in
      if request.path == "/token" {
        return Self.token(
          given.withLock {
            $0 += 1
            return $0
          })
      }
      let isOld = request.header("authorization") != "Bearer token-2"
      if request.header("authorization") == nil || hasEnded.withLock({ $0 }) && isOld {
        return ScriptedReply.status(401).header(
          "WWW-Authenticate", "Bearer realm=\"http://\(request.header("host") ?? "")/token\",service=\"test\""
        )
      }
      guard request.path == MemoryRegistry.blobPath(Sample.secondLayer), count == 0 else { return reply }
      hasEnded.withLock { $0 = true }
      return reply.cut(after: 1234)
    }
    defer { registry.stop() }
    let outcome = try await pull(registry)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let archive = try await Sample.archive
    #expect(outcome.archive == archive)
    let requests = registry.requests(for: Sample.secondLayer)
    #expect(requests.last?.header("range") == "bytes=1234-")
    #expect(requests.last?.header("authorization") == "Bearer token-2")
  }

  @Test func `a registry that refuses every token is asked a few times only`() async throws {
    let registry = try registry { _, _, _ in false }
    defer { registry.stop() }
    let outcome = try await pull(registry)
    #expect(outcome.status == 5 && outcome.leftNothing)
    #expect(outcome.errors.contains("401"))
    #expect(registry.server.requests.count <= 6)
  }

  // MARK: Token servers

  @Test(arguments: [
    ("{}", "without a token"), ("<html>", "JSON"), ("{\"token\":\"a\\r\\nX-Injected: 1\"}", "cannot be sent"),
    ("{\"token\":7}", "without a token"), ("", "JSON"),
  ])
  func `a token server that gives no token is quoted`(answer: String, word: String) async throws {
    let registry = try registry(token: { _ in .ok(answer) }) { _, _, _ in false }
    defer { registry.stop() }
    let outcome = try await pull(registry)
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains(word), "\(outcome.errors)")
    #expect(!registry.server.requests.contains { $0.header("x-injected") != nil })
  }

  @Test func `an answer of the token server that does not end is given up`() async throws {
    let registry = try registry(token: { _ in .ok([UInt8](repeating: 0x20, count: 5 << 20)) }) { _, _, _ in
      false
    }
    defer { registry.stop() }
    let outcome = try await pull(registry, ["--retry", "0"])
    #expect(outcome.status == 1 && outcome.leftNothing)
  }

  @Test func `a token server that refuses the password ends the pull as denied`() async throws {
    let registry = try registry(token: { _ in .status(401) }) { _, _, _ in false }
    defer { registry.stop() }
    let outcome = try await pull(registry, ["--creds", "ann:s3cret"])
    #expect(outcome.status == 5 && outcome.leftNothing)
  }

  @Test func `a token server that is busy is waited for`() async throws {
    let registry = try registry(token: { $0 == 1 ? .status(503) : Self.token($0) }) { token, _, _ in
      token == "token-2"
    }
    defer { registry.stop() }
    let outcome = try await pull(registry)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test func `a registry on this machine may have its token server on another port`() async throws {
    let tokens = try ScriptedServer { _ in .ok("{\"access_token\":\"token-9\"}") }
    defer { tokens.stop() }
    let registry = try registry(realm: tokens.url("/t?x=1")) { token, _, _ in token == "token-9" }
    defer { registry.stop() }
    let outcome = try await pull(registry)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(tokens.requests.map(\.target) == ["/t?x=1&service=test&scope=repository%3Aimage%3Apull"])
  }

  @Test(arguments: [
    "http://169.254.255.213/latest/meta-data/", "http://[fe80::d5]/token", "file:///etc/passwd", "/token", "",
    "http://[::ffff:169.254.255.213]/token",
  ])
  func `a realm where no token server can be is refused, and gets no password`(realm: String) async throws {
    let registry = try registry(realm: realm) { _, _, _ in false }
    defer { registry.stop() }
    let outcome = try await pull(registry, ["--creds", "ann:s3cret", "--retry", "0"])
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains("token"), "\(outcome.errors)")
    #expect(!outcome.errors.contains("timed out") && !outcome.errors.contains("root:"), "\(outcome.errors)")
  }

  @Test func `a redirect of the token server does not take the password along`() async throws {
    let other = try ScriptedServer { _ in .ok("{\"token\":\"token-9\"}") }
    defer { other.stop() }
    let target = other.url("/elsewhere")
    let registry = try registry(token: { _ in .redirect(to: target) }) { token, _, _ in token == "token-9" }
    defer { registry.stop() }
    let outcome = try await pull(registry, ["--creds", "ann:s3cret"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(registry.server.requests.first { $0.path == "/token" }?.header("authorization") != nil)
    #expect(other.requests.count == 1)
    #expect(other.requests.allSatisfy { $0.header("authorization") == nil })
  }

  @Test func `of several challenges the one that can be answered is answered`() async throws {
    let registry = try MemoryRegistry(Sample.image) { request, _, reply in
      if request.header("authorization") == "Basic YW5uOnMzY3JldA==" { return reply }
      return ScriptedReply.status(401).header(
        "WWW-Authenticate", "Negotiate, Digest realm=\"a, b\", nonce=\"x\", Basic realm=\"here, too\"")
    }
    defer { registry.stop() }
    let outcome = try await pull(registry, ["--creds", "ann:s3cret"])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }
}
