import HTTPTransport
import Hashing
import OCIModel
import Testing

@testable import Registry

/// Manifests, digests and lists of tags.
@Suite struct ManifestTests {
  typealias Reply = ScriptedTransport.Reply

  static let bytes = Array(#"{"schemaVersion":2}"#.utf8)
  static let digest = Digest(of: bytes)
  static let type: HTTPHeaders = ["Content-Type": "Application/vnd.oci.image.index.v1+json; charset=utf-8"]

  func reference(_ text: String) throws -> Reference { try Reference(parsing: text) }

  @Test func `a manifest comes with its exact bytes, its digest and its type`() async throws {
    let test = TestClient([
      ("GET https://registry-1.docker.io/v2/library/nix/manifests/latest", .body(Self.bytes, Self.type))
    ])
    let manifest = try await test.client.manifest(for: reference("nix"))
    #expect(manifest.bytes == Self.bytes)
    #expect(manifest.digest == Self.digest)
    #expect(manifest.mediaType == .ociIndex)
    #expect(manifest.endpoint.credentialKey == "docker.io/library/nix")
    #expect(
      test.transport.header("accept", of: 0)
        == "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
        + "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json"
    )
  }

  @Test func `the digest decides over the tag, and the header of the digest does not count`() async throws {
    let wrong = Digest(of: [1])
    var headers = Self.type
    headers.add("Docker-Content-Digest", "\(wrong)")
    let test = TestClient([
      ("GET https://reg.example/v2/a/manifests/\(Self.digest)", .body(Self.bytes, headers))
    ])
    let manifest = try await test.client.manifest(for: reference("reg.example/a:tag@\(Self.digest)"))
    #expect(manifest.digest == Self.digest)
  }

  @Test func `a manifest pinned by sha512 is checked by it`() async throws {
    let digest = Digest(of: Self.bytes, algorithm: .sha512)
    let test = TestClient([("GET https://reg.example/v2/a/manifests/\(digest)", .body(Self.bytes, Self.type))]
    )
    #expect(try await test.client.manifest(for: reference("reg.example/a@\(digest)")).digest == digest)
  }

  @Test func `a manifest with another digest is a mismatch`() async throws {
    let test = TestClient([("GET https://reg.example/v2/a/manifests/\(Self.digest)", .text("{}", Self.type))])
    let error = await registryError {
      _ = try await test.client.manifest(for: reference("reg.example/a@\(Self.digest)"))
    }
    guard case .mismatch(let mismatch, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(mismatch.found == Digest(of: Array("{}".utf8)))
  }

  @Test(arguments: [true, false])
  func `a manifest of more than 4 MiB is refused`(hasLength: Bool) async throws {
    let body = [UInt8](repeating: 32, count: 4 << 20 | 1)
    let reply = hasLength ? Reply.body(body) : Reply(status: 200, body: body)
    let test = TestClient(ScriptedTransport(pieceLength: 1 << 16) { _ in reply })
    let error = await registryError { _ = try await test.client.manifest(for: reference("reg.example/a")) }
    guard case .transport(_, .bodyTooLarge(limit: 4_194_304)) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `an encoded manifest is not taken for the manifest`() async throws {
    let test = TestClient(ScriptedTransport { _ in .text("gzip", ["Content-Encoding": "gzip"]) })
    let error = await registryError { _ = try await test.client.manifest(for: reference("reg.example/a")) }
    #expect(error?.description.contains("Content-Encoding: gzip") == true)
  }

  @Test func `HEAD tells the digest`() async throws {
    let headers: HTTPHeaders = [
      "Content-Type": "application/vnd.oci.image.index.v1+json", "Docker-Content-Digest": "\(Self.digest)",
      "Content-Length": "19",
    ]
    let test = TestClient([("HEAD https://reg.example/v2/a/manifests/1", .status(200, headers))])
    let resolved = try await test.client.digest(of: reference("reg.example/a:1"))
    #expect(resolved == ResolvedManifest(digest: Self.digest, mediaType: .ociIndex, byteCount: 19))
  }

  @Test(arguments: [
    Reply.status(404), .status(405), .status(401), .status(403), .status(200),
    .status(200, ["Content-Type": "a/b"]),
    .status(200, ["Docker-Content-Digest": "\(ManifestTests.digest)"]),
    .status(200, ["Content-Type": "a/b", "Docker-Content-Digest": "md5:abc"]),
  ])
  func `GET is asked where HEAD is no use`(reply: Reply) async throws {
    let test = TestClient([
      ("HEAD https://reg.example/v2/a/manifests/1", reply),
      ("GET https://reg.example/v2/a/manifests/1", .body(Self.bytes, Self.type)),
    ])
    let resolved = try await test.client.digest(of: reference("reg.example/a:1"))
    #expect(resolved == ResolvedManifest(digest: Self.digest, mediaType: .ociIndex, byteCount: 19))
  }

  @Test func `what is missing is not found`() async throws {
    let body = #"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"1"}}]}"#
    let test = TestClient([
      ("HEAD https://reg.example/v2/a/manifests/1", .status(404)),
      ("GET https://reg.example/v2/a/manifests/1", .status(404, [:], body)),
    ])
    let error = await registryError { _ = try await test.client.digest(of: reference("reg.example/a:1")) }
    guard case .notFound(let refusal) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(refusal.says("MANIFEST_UNKNOWN"))
    #expect(
      error?.description
        == "GET https://reg.example/v2/a/manifests/1: status 404: MANIFEST_UNKNOWN: manifest unknown, not found"
    )
  }

  @Test(arguments: [400, 401, 403, 404, 405, 409, 501])
  func `what will not change is not asked again`(status: Int) async throws {
    let test = TestClient([("GET https://reg.example/v2/a/manifests/1", .status(status))])
    let error = await registryError { _ = try await test.client.manifest(for: reference("reg.example/a:1")) }
    #expect(error?.refusal?.status == status)
    #expect(test.time.sleeps.isEmpty)
  }

  @Test(arguments: [408, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524])
  func `what may pass is asked again`(status: Int) async throws {
    let test = TestClient([
      ("GET https://reg.example/v2/a/manifests/1", .status(status)),
      ("GET https://reg.example/v2/a/manifests/1", .body(Self.bytes, Self.type)),
    ])
    _ = try await test.client.manifest(for: reference("reg.example/a:1"))
    #expect(test.time.sleeps == [.milliseconds(500)])
  }

  @Test(arguments: [
    // Retry-After, seconds that are waited; the clock stands at 2026-11-24 12:00:00 UTC
    ("7", Duration.seconds(7)), ("0", .milliseconds(500)), ("Tue, 24 Nov 2026 12:00:09 GMT", .seconds(9)),
    ("Tue, 24 Nov 2020 12:00:09 GMT", .milliseconds(500)), ("soon", .milliseconds(500)),
    ("-5", .milliseconds(500)),
    ("300", .seconds(300)),
  ])
  func `a registry is left alone for as long as it says`(field: String, wait: Duration) async throws {
    let test = TestClient([
      ("GET https://reg.example/v2/a/manifests/1", .status(429, ["Retry-After": field])),
      ("GET https://reg.example/v2/a/manifests/1", .body(Self.bytes, Self.type)),
    ])
    _ = try await test.client.manifest(for: reference("reg.example/a:1"))
    #expect(test.time.sleeps == [wait])
  }

  @Test(arguments: ["10800", "Tue, 24 Nov 2026 15:00:00 GMT"])
  func `a wait of hours ends the request and is told`(field: String) async throws {
    let test = TestClient([("GET https://reg.example/v2/a/manifests/1", .status(429, ["Retry-After": field]))]
    )
    let error = await registryError { _ = try await test.client.manifest(for: reference("reg.example/a:1")) }
    guard case .rateLimited(_, until: 1_795_532_400) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.description.hasSuffix("try again after 2026-11-24 15:00 UTC") == true)
    #expect(test.time.sleeps.isEmpty)
  }

  @Test func `a warning is told once`() async throws {
    var headers = Self.type
    headers.add("Warning", #"299 - "this \"tag\" goes away\u{1B}[2J""#)
    headers.add("Warning", #"110 - "stale""#)
    let reply = Reply.body(Self.bytes, headers)
    let test = TestClient(ScriptedTransport { _ in reply })
    _ = try await test.client.manifest(for: reference("reg.example/a"))
    _ = try await test.client.manifest(for: reference("reg.example/a"))
    #expect(test.log.events.count == 1)
    #expect(test.log.lines.first?.hasPrefix(#"reg.example warns: this "tag" goes away"#) == true)
  }

  @Test func `tags are collected page by page`() async throws {
    let test = TestClient([
      (
        "GET https://reg.example/v2/a/tags/list?n=1000",
        .text(
          #"{"name":"a","tags":["2","1",null,"sha256:abc"]}"#,
          ["Link": #"</v2/a/tags/list?n=1000&last=1>; rel="next""#])
      ),
      (
        "GET https://reg.example/v2/a/tags/list?n=1000&last=1",
        .text(#"{"tags":["1","3"]}"#, ["Link": #"<https://evil.example/x>; rel="next""#])
      ),
    ])
    #expect(try await test.client.tags(of: reference("reg.example/a")) == ["2", "1", "3"])
  }

  @Test func `pages in a circle end`() async throws {
    let test = TestClient(
      ScriptedTransport { _ in
        .text(#"{"tags":["1"]}"#, ["Link": #"<list?last=1>; type="x"; rel="prev next""#])
      })
    #expect(try await test.client.tags(of: reference("reg.example/a")) == ["1"])
    #expect(test.transport.requests.count == 2)
  }

  @Test func `no tags are an empty list, and no list is an error`() async throws {
    let none = TestClient(ScriptedTransport { _ in .text(#"{"name":"a","tags":null}"#) })
    #expect(try await none.client.tags(of: reference("reg.example/a")).isEmpty)
    let page = TestClient(ScriptedTransport { _ in .text("<html>") })
    #expect(await registryError { _ = try await page.client.tags(of: reference("reg.example/a")) } != nil)
  }
}
