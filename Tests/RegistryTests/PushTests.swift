import HTTPTransport
import Hashing
import OCIModel
import OrderedJSON
import Testing

@testable import Registry

/// Manifests, deletions, referrers and the catalog.
@Suite struct PushTests {
  typealias Reply = ScriptedTransport.Reply

  private let reference: Reference
  private let base = "https://r.example/v2/lib/image"

  init() throws { reference = try Reference(parsing: "r.example/lib/image:1") }

  private let config = Descriptor(mediaType: .ociConfig, digest: Digest(of: Array("{}".utf8)), byteCount: 2)

  private func manifest(subject: Descriptor? = nil, artifactType: String? = nil) throws -> ManifestDocument {
    var manifest = Manifest(kind: .oci, config: config, layers: [])
    manifest.subject = subject
    manifest.artifactType = artifactType
    manifest.annotations["by"] = "me"
    return try ManifestDocument(bytes: manifest.json.serialized(), contentType: .ociManifest)
  }

  private func index(_ entries: [Descriptor]) -> [UInt8] {
    ImageIndex(kind: .oci, manifests: entries).encoded().bytes
  }

  private func entry(_ text: String, _ artifactType: String? = nil) -> Descriptor {
    let bytes = Array(text.utf8)
    var entry = Descriptor(mediaType: .ociManifest, digest: Digest(of: bytes), byteCount: Int64(bytes.count))
    entry.artifactType = artifactType
    return entry
  }

  private func listed(_ entries: [Descriptor], _ headers: HTTPHeaders = [:]) -> Reply {
    var headers = headers
    headers.add("Content-Type", MediaType.ociIndex.rawValue)
    return .body(index(entries), headers)
  }

  // MARK: Manifests

  @Test(arguments: ["r.example/lib/image:1", "r.example/lib/image"])
  func `a manifest is put under its tag with its own type`(text: String) async throws {
    let document = try manifest()
    let reference = try Reference(parsing: text)
    let test = TestClient([("PUT \(base)/manifests/\(reference.tag ?? "latest")", .status(201))])
    #expect(try await test.client.put(document, at: reference).subject == nil)
    #expect(test.transport.header("Content-Type", of: 0) == MediaType.ociManifest.rawValue)
    #expect(test.transport.bodies == [document.bytes])
  }

  @Test func `by digest only what has the digest is put`() async throws {
    let document = try manifest()
    let test = TestClient([("PUT \(base)/manifests/\(document.digest)", .status(201))])
    try await test.client.put(document, at: reference.withDigest(document.digest))
    let error = await registryError {
      try await test.client.put(document, at: reference.withDigest(config.digest))
    }
    guard case .mismatch(let mismatch, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(mismatch.found == document.digest)
    #expect(test.transport.requests.count == 1)
  }

  @Test func `the registry tells that it has noted the subject`() async throws {
    let subject = entry("subject")
    let test = TestClient([
      ("PUT \(base)/manifests/1", .status(201, ["OCI-Subject": "\(subject.digest)"]))
    ])
    let receipt = try await test.client.put(manifest(subject: subject), at: reference)
    #expect(receipt.subject == subject.digest)
  }

  @Test func `what a refused manifest lacks is known`() async throws {
    let other = entry("other")
    let body = """
      {"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"x","detail":"\(config.digest)"},
      {"code":"MANIFEST_BLOB_UNKNOWN","message":"x","detail":{"digest":"\(other.digest)"}}]}
      """
    let test = TestClient([
      ("PUT \(base)/manifests/1", .status(400, [:], body)),
      ("PUT \(base)/manifests/1", .status(400, [:], #"{"errors":[{"code":"MANIFEST_INVALID"}]}"#)),
    ])
    let lacking = await registryError { try await test.client.put(manifest(), at: reference) }
    #expect(lacking?.missingContent == [config.digest, other.digest])
    let invalid = await registryError { try await test.client.put(manifest(), at: reference) }
    #expect(invalid != nil && invalid?.missingContent == nil)
  }

  @Test func `a repository that is not known everywhere yet gets a moment`() async throws {
    let put = "PUT \(base)/manifests/1"
    let test = TestClient([
      (put, .status(404)), (put, .status(201)), (put, .status(404)), (put, .status(404)), (put, .status(404)),
    ])
    try await test.client.put(manifest(), at: reference)
    let error = await registryError { try await test.client.put(manifest(), at: reference) }
    guard case .notFound = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `pushes go to the registry itself, not to its mirrors`() async throws {
    let home = Endpoint(reference)
    let mirror = Endpoint(
      host: "mirror.example", repositoryPath: "lib/image", credentialKey: "mirror.example")
    let test = TestClient([("PUT \(base)/manifests/1", .status(201))], endpoints: [mirror, home])
    try await test.client.put(manifest(), at: reference)
  }

  // MARK: Deleting

  @Test func `a manifest is deleted by digest, a tag by name`() async throws {
    let test = TestClient([
      ("DELETE \(base)/manifests/\(config.digest)", .status(202)),
      ("DELETE \(base)/manifests/1", .status(202)),
    ])
    try await test.client.delete(reference.withDigest(config.digest))
    try await test.client.delete(reference)
  }

  @Test(arguments: [(400, "DIGEST_INVALID"), (405, "UNSUPPORTED"), (405, "")])
  func `where a tag cannot be deleted alone, nothing else is`(status: Int, code: String) async throws {
    let body = code.isEmpty ? "" : #"{"errors":[{"code":"\#(code)","message":"no"}]}"#
    let test = TestClient([("DELETE \(base)/manifests/1", .status(status, [:], body))])
    let error = await registryError { try await test.client.delete(reference) }
    #expect("\(try #require(error))".contains("with all its tags"))
    #expect(test.transport.requests.count == 1)
  }

  @Test func `what is not there cannot be deleted`() async throws {
    let test = TestClient([("DELETE \(base)/manifests/1", .status(404))])
    let error = await registryError { try await test.client.delete(reference) }
    guard case .notFound = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `deleting wants the right that the registry names, and all others`() async throws {
    let challenge = #"Bearer realm="https://auth.example/token",scope="repository:lib/image:delete""#
    let test = TestClient([
      ("DELETE \(base)/manifests/1", .challenge(challenge)),
      (
        "GET https://auth.example/token?scope=repository%3Alib%2Fimage%3Adelete%2C%2A",
        .text(#"{"token":"t"}"#)
      ), ("DELETE \(base)/manifests/1", .status(202)),
    ])
    try await test.client.delete(reference)
  }

  // MARK: Referrers

  @Test func `referrers come from the registry, page by page, and filtered`() async throws {
    let (a, b, c) = (entry("a", "type/x"), entry("b", "type/y"), entry("c", "type/x"))
    let list = "\(base)/referrers/\(config.digest)"
    let first = "GET \(list)?artifactType=type%2Fx"
    let test = TestClient([
      (first, listed([a, b], ["Link": "<?page=2>; rel=\"next\""])), ("GET \(list)?page=2", listed([c])),
      ("GET \(list)", listed([a, b, c])),
    ])
    let some = try await test.client.referrers(of: config.digest, in: reference, artifactType: "type/x")
    #expect(some.manifests == [a, c])
    #expect(try await test.client.referrers(of: config.digest, in: reference).manifests == [a, b, c])
  }

  private var tag: String { "sha256-\(config.digest.description.dropFirst(7))" }

  @Test(arguments: [
    Reply.status(404), .status(405), .status(400), .text("<html>", ["Content-Type": "text/html"]),
  ])
  func `without lists at the registry those of clients are read`(reply: Reply) async throws {
    let list = "GET \(base)/referrers/\(config.digest)"
    let tagged = "GET \(base)/manifests/\(tag)"
    let test = TestClient([
      (list, reply), (tagged, listed([entry("a")])), (list, reply), (tagged, .status(404)),
    ])
    #expect(try await test.client.referrers(of: config.digest, in: reference).manifests == [entry("a")])
    #expect(try await test.client.referrers(of: config.digest, in: reference).manifests == [])
  }

  @Test func `the fallback tag is a tag for every digest`() throws {
    let long = Digest(of: [], algorithm: .sha512)
    #expect(ReferrersTag.name(for: long) == "sha512-" + "\(long)".dropFirst(7).prefix(64))
    #expect(try reference.withTag(ReferrersTag.name(for: config.digest)).tag == tag)
  }

  @Test(arguments: [false, true])
  func `a referrer is entered in the list once, with its type and annotations`(isFirst: Bool) async throws {
    let document = try manifest(subject: config, artifactType: "type/x")
    var mine = document.descriptor
    mine.artifactType = "type/x"
    mine.annotations["by"] = "me"
    let earlier = isFirst ? [] : [entry("a")]
    let get = "GET \(base)/manifests/\(tag)"
    let test = TestClient([
      (get, isFirst ? .status(404) : listed(earlier, ["ETag": "\"1\""])),
      ("PUT \(base)/manifests/\(tag)", .status(201)), (get, listed(earlier + [mine])),
    ])
    try await test.client.addReferrer(document, in: reference)
    #expect(test.transport.bodies[1] == index(earlier + [mine]))
    #expect(test.transport.header("If-Match", of: 1) == (isFirst ? nil : "\"1\""))
    #expect(test.transport.header("Content-Type", of: 1) == MediaType.ociIndex.rawValue)
    try await test.client.addReferrer(document, in: reference)
    #expect(test.transport.remaining == 0)
  }

  @Test func `the type of a referrer's configuration stands in for its own`() async throws {
    let document = try manifest(subject: config)
    let test = TestClient([
      ("GET \(base)/manifests/\(tag)", .status(404)), ("PUT \(base)/manifests/\(tag)", .status(201)),
    ])
    try await test.client.addReferrer(document, in: reference)
    let list = try ImageIndex.decode(test.transport.bodies[1], contentType: .ociIndex).value
    #expect(list.manifests.map(\.artifactType) == [MediaType.ociConfig.rawValue])
  }

  @Test func `a list that somebody else changed is read again`() async throws {
    let document = try manifest(subject: config)
    let (get, put) = ("GET \(base)/manifests/\(tag)", "PUT \(base)/manifests/\(tag)")
    let test = TestClient([
      (get, listed([], ["ETag": "\"1\""])), (put, .status(412)),
      (get, listed([entry("a")], ["ETag": "\"2\""])),
      (put, .status(201)),
    ])
    try await test.client.addReferrer(document, in: reference)
    let list = try ImageIndex.decode(test.transport.bodies[3], contentType: .ociIndex).value
    #expect(list.manifests.map(\.digest) == [entry("a").digest, document.digest])
  }

  @Test func `referrers entered at the same time are all there`() async throws {
    let documents = try (0..<8).map { try manifest(subject: config, artifactType: "type/\($0)") }
    let store = Stored()
    let transport = ScriptedTransport { request in
      if request.method == .get {
        let bytes = await store.bytes
        await Task.yield()
        return bytes.map { .body($0, ["Content-Type": MediaType.ociIndex.rawValue]) } ?? .status(404)
      }
      await store.put(request)
      return .status(201)
    }
    let test = TestClient(transport)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for document in documents {
        group.addTask { try await test.client.addReferrer(document, in: reference) }
      }
      try await group.waitForAll()
    }
    let list = try ImageIndex.decode(try #require(await store.bytes), contentType: .ociIndex).value
    #expect(Set(list.manifests.map(\.digest)) == Set(documents.map(\.digest)))
  }

  /// What was put last.
  private actor Stored {
    var bytes: [UInt8]?
    func put(_ request: HTTPRequest) {
      guard let source = request.bodySource, let count = source.byteCount else { return }
      var body = [UInt8](repeating: 0, count: Int(count))
      try? source.begin(control: TransferControl {})
      _ = try? body.withUnsafeMutableBytes { try source.read(into: $0) }
      bytes = body
    }
  }

  @Test func `a deleted referrer leaves the list`() async throws {
    let test = TestClient([
      ("GET \(base)/manifests/\(tag)", listed([entry("a"), entry("b")])),
      ("PUT \(base)/manifests/\(tag)", .status(201)),
    ])
    try await test.client.removeReferrer(entry("a").digest, of: config.digest, in: reference)
    #expect(test.transport.bodies[1] == index([entry("b")]))
  }

  // MARK: Catalog

  @Test func `repositories are listed page by page`() async throws {
    let catalog = "https://r.example/v2/_catalog"
    let challenge = #"Bearer realm="https://auth.example/token",scope="registry:catalog:*""#
    let test = TestClient([
      ("GET \(catalog)?n=1000", .challenge(challenge)),
      ("GET https://auth.example/token?scope=registry%3Acatalog%3A%2A", .text(#"{"token":"t"}"#)),
      (
        "GET \(catalog)?n=1000",
        .text(#"{"repositories":["a","b/c"]}"#, ["Link": "</v2/_catalog?n=1000&last=b%2Fc>; rel=\"next\""])
      ), ("GET \(catalog)?n=1000&last=b%2Fc", .text(#"{"repositories":["b/c","d"]}"#)),
    ])
    #expect(try await test.client.catalog(of: Endpoint(registry: "r.example")) == ["a", "b/c", "d"])
    #expect(test.transport.header("Authorization", of: 3) == "Bearer t")
  }
}
