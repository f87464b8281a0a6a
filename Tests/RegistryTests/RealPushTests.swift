import HTTPTransport
import Hashing
import OCIModel
import OrderedJSON
import Registry
import TestSupport
import Testing

/// Writing to Debian's docker-registry, over libcurl.
@Suite(.timeLimit(.minutes(3))) struct RealPushTests {
  private func client(
    _ credentials: Credentials? = nil, attempts: Int = 3, log: EventLog = EventLog()
  ) -> RegistryClient {
    var configuration = RegistryConfiguration()
    configuration.credentials = { _ in credentials }
    configuration.retry.attempts = attempts
    configuration.retry.baseDelay = .milliseconds(10)
    configuration.report = { log.report($0) }
    return RegistryClient(transport: CurlTransport(), configuration: configuration)
  }

  private func reference(_ address: String, _ name: String = "lib/image:1") throws -> Reference {
    try Reference(parsing: "\(address)/\(name)")
  }

  private func document(_ layers: [Descriptor], subject: Descriptor? = nil) throws -> ManifestDocument {
    let config = Descriptor(mediaType: .ociConfig, digest: Digest(of: Array("{}".utf8)), byteCount: 2)
    var manifest = Manifest(kind: .oci, config: config, layers: layers)
    manifest.subject = subject
    return try ManifestDocument(bytes: manifest.json.serialized(), contentType: .ociManifest)
  }

  /// Config, layers that are not there yet, manifest.
  private func push(
    _ blobs: [TestBlob], with client: RegistryClient, to reference: Reference, subject: Descriptor? = nil
  ) async throws -> ManifestDocument {
    let document = try document(blobs.map(\.descriptor), subject: subject)
    if case .manifest(let manifest) = document {
      let config = manifest.value.config
      if try await !client.exists(config, in: reference) {
        try await client.upload(config, bytes: Array("{}".utf8), to: reference, subject: "config")
      }
    }
    for blob in blobs where try await !client.exists(blob.descriptor, in: reference) {
      try await client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
    }
    try await client.put(document, at: reference)
    return document
  }

  private func content(of blob: TestBlob, at reference: Reference) async throws -> [UInt8] {
    try await client().blob(blob.descriptor, from: reference, limit: 64 << 20)
  }

  @Test(arguments: [0, 1, 30_000_000])
  func `a blob of any length arrives, and is sent once only`(byteCount: Int) async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let blob = TestBlob(byteCount, pauses: true)
    let reference = try reference(registry.address)
    let client = client()
    let document = try await push([blob], with: client, to: reference)
    #expect(try await content(of: blob, at: reference) == blob.bytes)
    #expect(try await client.manifest(for: reference).bytes == document.bytes)
    let before = try await registry.requests().count
    _ = try await push([blob], with: client, to: reference)
    let requests = try await registry.requests().dropFirst(before)
    #expect(requests.map(\.method) == ["HEAD", "HEAD", "PUT"])
  }

  @Test func `sixteen blobs at once all arrive`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let blobs = (0..<16).map { TestBlob(1_500_000 + $0, pauses: $0 % 2 == 0) }
    let reference = try reference(registry.address)
    let client = client()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for blob in blobs {
        group.addTask {
          try await client.upload(blob.descriptor, from: blob, to: reference, subject: "layer")
        }
      }
      try await group.waitForAll()
    }
    for blob in blobs { #expect(try await client.exists(blob.descriptor, in: reference)) }
  }

  @Test func `a blob of another repository is mounted without its bytes`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let blob = TestBlob(100_000)
    let (one, two) = (try reference(registry.address), try reference(registry.address, "other/image:1"))
    let client = client()
    try await client.upload(blob.descriptor, from: blob, to: one, subject: "layer")
    let before = try await registry.requests().count
    #expect(try await client.mount(blob.descriptor, from: one, to: two))
    #expect(try await client.exists(blob.descriptor, in: two))
    let requests = try await registry.requests().dropFirst(before)
    #expect(requests.map { "\($0.method) \($0.status)" } == ["POST 201", "HEAD 200"])
    // What is not there cannot be mounted, but the upload that was opened is good for sending it.
    let missing = TestBlob(50)
    #expect(try await client.mount(missing.descriptor, from: one, to: two) == false)
    try await client.upload(missing.descriptor, from: missing, to: two, subject: "layer")
    let last = try await registry.requests().suffix(2)
    #expect(last.map { "\($0.method) \($0.status)" } == ["POST 202", "PUT 201"])
  }

  @Test func `a push that is cut in the middle is finished`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let proxy = try CuttingProxy(to: registry.port) { $0 == 1 ? 10_000_000 : nil }
    defer { proxy.stop() }
    let log = EventLog()
    let blob = TestBlob(30_000_000)
    let document = try await push([blob], with: client(log: log), to: reference(proxy.address))
    #expect(proxy.connectionCount > 1)
    #expect(log.events.contains { if case .retrying = $0 { true } else { false } })
    let reference = try reference(registry.address)
    #expect(try await content(of: blob, at: reference) == blob.bytes)
    #expect(try await client().digest(of: reference).digest == document.digest)
  }

  @Test func `a push that is cut again and again is given up`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let proxy = try CuttingProxy(to: registry.port) { _ in 1_000_000 }
    defer { proxy.stop() }
    let blob = TestBlob(5_000_000)
    let error = await registryError {
      try await client().upload(
        blob.descriptor, from: blob, to: reference(proxy.address), subject: "layer")
    }
    guard case .transport = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try await client().exists(blob.descriptor, in: reference(registry.address)) == false)
  }

  @Test func `wrong bytes are found by the registry`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let blob = TestBlob(1000)
    var wrong = blob.bytes
    wrong[500] ^= 1
    let bytes = wrong
    let error = await registryError {
      try await client().upload(
        blob.descriptor, bytes: bytes, to: reference(registry.address), subject: "layer 2 of 3")
    }
    guard case .wrongUpload("layer 2 of 3", blob.descriptor.digest, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try await client().exists(blob.descriptor, in: reference(registry.address)) == false)
  }

  @Test func `a manifest without its blobs is refused with their names`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let blob = TestBlob(1000)
    let document = try document([blob.descriptor])
    let error = await registryError {
      try await client().put(document, at: reference(registry.address))
    }
    let missing = try #require(error?.missingContent)
    #expect(missing.contains(blob.descriptor.digest))
  }

  @Test func `a push with a password and with tokens`() async throws {
    var policy = TokenServer.Policy()
    policy.users = ["me": "secret"]
    let tokens = try await TokenServer.start(policy)
    defer { tokens.stop() }
    let byToken = try await RegistryServer.start(.token(tokens))
    defer { byToken.stop() }
    let byPassword = try await RegistryServer.start(.basic(user: "me", password: "secret"))
    defer { byPassword.stop() }
    for registry in [byToken, byPassword] {
      let right = client(.basic(user: "me", password: "secret"))
      let blob = TestBlob(3_000_000)
      let reference = try reference(registry.address)
      _ = try await push([blob], with: right, to: reference)
      // One challenge for the whole push.
      #expect(try await registry.requests().filter { $0.status == 401 }.count == 1)
      let other = try self.reference(registry.address, "other/image:1")
      #expect(try await right.mount(blob.descriptor, from: reference, to: other))
      #expect(
        try await right.catalog(of: Endpoint(registry: registry.address)) == ["lib/image", "other/image"])
      try await right.delete(reference.withDigest(try await right.digest(of: reference).digest))
      let error = await registryError { _ = try await right.manifest(for: reference) }
      guard case .notFound = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
    // Push, mount, catalog, delete, and pull.
    #expect(tokens.requests.count == 5)
  }

  @Test func `a tag is not deleted by deleting its manifest`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let client = client()
    let reference = try reference(registry.address)
    let document = try await push([TestBlob(10)], with: client, to: reference)
    try await client.put(document, at: reference.withTag("2"))
    let error = await registryError { try await client.delete(reference) }
    #expect("\(try #require(error))".contains("with all its tags"))
    #expect(try await client.tags(of: reference).sorted() == ["1", "2"])
    try await client.delete(reference.withDigest(document.digest))
    #expect(try await client.tags(of: reference) == [])
  }

  @Test func `a registry without lists of referrers gets them from us`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let client = client()
    let reference = try reference(registry.address)
    let image = try await push([TestBlob(10)], with: client, to: reference)
    #expect(try await client.referrers(of: image.digest, in: reference).manifests == [])
    for number in 1...2 {
      let layers = [TestBlob(10 + number)]
      let signature = try document(layers.map(\.descriptor), subject: image.descriptor)
      for layer in layers {
        try await client.upload(layer.descriptor, from: layer, to: reference, subject: "signature")
      }
      let receipt = try await client.put(
        signature, at: reference.withTag(nil).withDigest(signature.digest))
      #expect(receipt.subject == nil)
      try await client.addReferrer(signature, in: reference)
    }
    let referrers = try await client.referrers(of: image.digest, in: reference)
    #expect(referrers.manifests.count == 2)
    #expect(try await client.referrers(of: image.digest, in: reference, artifactType: "x/y").manifests == [])
  }

  @Test func `an upload goes on where a registry has kept what came`() async throws {
    let blob = TestBlob(10_000_000)
    let registry = try KeepingRegistry()
    defer { registry.server.stop() }
    let log = EventLog()
    try await client(log: log).upload(
      blob.descriptor, from: blob, to: reference(registry.address), subject: "layer")
    #expect(registry.bytes == blob.bytes)
    #expect(blob.offsets == [0, 3_000_000])
    #expect(log.events.contains(.resumed(subject: "layer", offset: 3_000_000)))
  }
}
