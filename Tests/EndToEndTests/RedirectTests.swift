import Hashing
import TestSupport
import Testing

/// Where a registry may send its client, and what the client takes along.
@Suite struct RedirectTests {
  private static let password = "s3cret-of-ann"
  /// `ann:s3cret-of-ann`.
  private static let basic = "Basic YW5uOnMzY3JldC1vZi1hbm4="

  /// A registry that wants a password and redirects its blobs to where `location` says.
  private func pull(
    _ more: [String] = [], from location: @escaping @Sendable (_ request: RecordedRequest) -> String
  ) async throws -> (outcome: Workplace.Outcome, requests: [RecordedRequest]) {
    let registry = try MemoryRegistry(Sample.image) { request, _, reply in
      guard request.header("authorization") == Self.basic else {
        return ScriptedReply.status(401).header("WWW-Authenticate", "Basic realm=\"here\"")
      }
      return request.path.contains("/blobs/") ? .redirect(to: location(request)) : reply
    }
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(registry.reference, ["--creds", "ann:\(Self.password)"] + more)
    #expect(!outcome.errors.contains(Self.password) && !outcome.errors.contains(Self.basic.dropFirst(6)))
    return (outcome, registry.server.requests)
  }

  private func storage(_ fault: @escaping MemoryRegistry.Fault = { $2 }) throws -> MemoryRegistry {
    try MemoryRegistry(Sample.image, fault)
  }

  @Test(arguments: ["127.0.0.1", "localhost"])
  func `credentials do not follow to another port or host name`(host: String) async throws {
    let storage = try storage()
    defer { storage.stop() }
    let port = storage.server.port
    let (outcome, requests) = try await pull {
      "http://\(host):\(port)\($0.target)?signature=presigned-secret"
    }
    #expect(outcome.status == 0, "\(outcome.errors)")
    let archive = try await Sample.archive
    #expect(outcome.archive == archive)
    #expect(requests.contains { $0.path.contains("/blobs/") && $0.header("authorization") == Self.basic })
    #expect(storage.server.requests.count == 3)
    #expect(storage.server.requests.allSatisfy { $0.header("authorization") == nil })
  }

  @Test func `credentials follow within the registry`() async throws {
    let registry = try MemoryRegistry(Sample.image) { request, _, reply in
      guard request.header("authorization") == Self.basic else {
        return ScriptedReply.status(401).header("WWW-Authenticate", "Basic realm=\"here\"")
      }
      let isFirst = request.path.contains("/blobs/") && !request.target.hasSuffix("?again")
      return isFirst ? .redirect(302, to: request.target + "?again") : reply
    }
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(registry.reference, ["--creds", "ann:\(Self.password)"])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test func `a blob that is cut at the storage is asked for at the registry again, from there on`()
    async throws
  {
    let storage = try storage { request, count, reply in
      request.path == MemoryRegistry.blobPath(Sample.secondLayer) && count == 0
        ? reply.cut(after: 1000) : reply
    }
    defer { storage.stop() }
    let port = storage.server.port
    let (outcome, requests) = try await pull { "http://127.0.0.1:\(port)\($0.target)" }
    let archive = try await Sample.archive
    #expect(outcome.archive == archive, "\(outcome.errors)")
    let layer = MemoryRegistry.blobPath(Sample.secondLayer)
    #expect(requests.filter { $0.path == layer }.map { $0.header("range") } == [nil, "bytes=1000-"])
    #expect(storage.requests(for: Sample.secondLayer).map { $0.header("range") } == [nil, "bytes=1000-"])
  }

  @Test func `signatures in redirects are not shown`() async throws {
    let storage = try storage { _, _, _ in .status(403, Array("<Error>SignatureDoesNotMatch</Error>".utf8)) }
    defer { storage.stop() }
    let port = storage.server.port
    let (outcome, _) = try await pull {
      "http://127.0.0.1:\(port)\($0.target)?X-Amz-Signature=presigned-secret"
    }
    #expect(outcome.status == 5 && outcome.leftNothing)
    #expect(!outcome.errors.contains("presigned-secret"))
    #expect(outcome.errors.contains("127.0.0.1:\(port)"), "who refused is told: \(outcome.errors)")
  }

  @Test func `a circle of redirects is noticed`() async throws {
    let (outcome, requests) = try await pull { $0.path }
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains("circle"))
    #expect(requests.count <= 3)
  }

  @Test func `an endless row of redirects is noticed`() async throws {
    let (outcome, requests) = try await pull { $0.target + "?x" }
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains("redirects"))
    #expect(requests.count <= 20)
  }

  @Test(arguments: [
    "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "http://", "http://ann:x@127.0.0.1/x",
    "//[/x", "",
  ])
  func `a redirect to something else than a web address is refused`(location: String) async throws {
    let (outcome, _) = try await pull(["--retry", "0"]) { _ in location }
    #expect(outcome.status != 0 && outcome.leftNothing)
    #expect(!outcome.errors.contains("root:"))
  }

  @Test(arguments: [
    "http://169.254.255.213/latest/meta-data/iam/", "http://[fe80::d5]/x",
    "http://[::ffff:169.254.255.213]/x",
  ])
  func `a redirect to where clouds keep their secrets is refused`(location: String) async throws {
    let (outcome, _) = try await pull(["--retry", "0"]) { _ in location }
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains("refused to connect"), "\(outcome.errors)")
  }
}
