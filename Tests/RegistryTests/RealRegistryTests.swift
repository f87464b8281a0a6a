import HTTPTransport
import Hashing
import OCIModel
import Registry
import TestSupport
import Testing

/// Against Debian's docker-registry, over libcurl.
@Suite struct RealRegistryTests {
  /// A manifest with one layer, under `lib/image:1`.
  struct Image {
    let layer: [UInt8]
    let stored: StoredImage

    init(layerByteCount: Int = 300_000) {
      var state: UInt64 = 7
      layer = (0..<layerByteCount).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1
        return UInt8(truncatingIfNeeded: state >> 33)
      }
      let config = Array("{}".utf8)
      let manifest = """
        {"schemaVersion":2,"mediaType":"\(MediaType.ociManifest)",\
        "config":{"mediaType":"\(MediaType.ociConfig)","digest":"\(Digest(of: config))","size":2},\
        "layers":[{"mediaType":"\(MediaType.ociLayer)","digest":"\(Digest(of: layer))","size":\(layer.count)}]}
        """
      stored = StoredImage(
        manifest: Array(manifest.utf8), blobs: [Digest(of: config): config, Digest(of: layer): layer])
    }

    var blob: Descriptor {
      Descriptor(mediaType: .ociLayer, digest: Digest(of: layer), byteCount: Int64(layer.count))
    }

    /// Everything a pull does: digest, manifest, layer, tags.
    func pull(_ client: RegistryClient, host: String) async throws {
      let reference = try Reference(parsing: "\(host)/lib/image:1")
      let resolved = try await client.digest(of: reference)
      #expect(resolved.digest == stored.digest)
      let manifest = try await client.manifest(for: reference.withDigest(resolved.digest))
      #expect(manifest.bytes == stored.manifest)
      #expect(manifest.mediaType == .ociManifest)
      let receiver = TestReceiver(blob.digest)
      try await client.fetch(blob, from: reference, into: receiver, subject: "layer")
      #expect(receiver.bytes == layer)
      #expect(try await client.tags(of: reference) == ["1"])
    }
  }

  func client(
    _ credentials: Credentials? = nil, attempts: Int = 2, log: EventLog = EventLog(),
    endpoint: @escaping @Sendable (Reference) -> Endpoint = { Endpoint($0) }
  ) -> RegistryClient {
    var configuration = RegistryConfiguration()
    configuration.credentials = { _ in credentials }
    configuration.retry.attempts = attempts
    configuration.retry.baseDelay = .milliseconds(1)
    configuration.endpoints = { [endpoint($0)] }
    configuration.report = { log.report($0) }
    return RegistryClient(transport: CurlTransport(), configuration: configuration)
  }

  @Test func `an open registry`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let image = Image()
    try image.stored.push(to: registry, repository: "lib/image", tag: "1")
    try await image.pull(client(), host: registry.address)
    // Nothing in vain: no ping, no 401.
    let requests = try await registry.requests()
    #expect(requests.map(\.method) == ["HEAD", "GET", "GET", "GET"])
    #expect(requests.allSatisfy { $0.status == 200 && $0.userAgent == "cooper" })
  }

  @Test func `a registry with passwords`() async throws {
    let registry = try await RegistryServer.start(.basic(user: "me", password: "secret"))
    defer { registry.stop() }
    let image = Image()
    try image.stored.push(to: registry, repository: "lib/image", tag: "1")
    let right = client(.basic(user: "me", password: "secret"))
    try await image.pull(right, host: registry.address)
    #expect(try await right.checkLogin(Endpoint(registry: registry.address)) == .accepted)
    let wrong = client(.basic(user: "me", password: "wrong"))
    for work in [
      { try await image.pull(wrong, host: registry.address) },
      { _ = try await wrong.checkLogin(Endpoint(registry: registry.address)) },
    ] {
      let error = await registryError(work)
      guard case .denied = error?.root else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test(arguments: [
    (nil, true), (Credentials.basic(user: "me", password: "secret"), false),
    (.identityToken("refresh"), false),
  ])
  func `a registry with tokens`(credentials: Credentials?, allowsAnonymous: Bool) async throws {
    var policy = TokenServer.Policy()
    policy.users = ["me": "secret"]
    policy.refreshToken = "refresh"
    policy.allowsAnonymous = allowsAnonymous
    let tokens = try await TokenServer.start(policy)
    defer { tokens.stop() }
    let registry = try await RegistryServer.start(.token(tokens))
    defer { registry.stop() }
    let image = Image()
    try image.stored.push(to: registry, repository: "lib/image", tag: "1")
    try await image.pull(client(credentials), host: registry.address)
    // One challenge and one token for the whole pull.
    #expect(tokens.requests.count == 1)
    #expect(try await registry.requests().map(\.status) == [401, 200, 200, 200, 200])
  }

  @Test func `refused credentials are left out where everybody may pull, and a login says no`() async throws {
    var policy = TokenServer.Policy()
    policy.users = ["me": "secret"]
    let tokens = try await TokenServer.start(policy)
    defer { tokens.stop() }
    let registry = try await RegistryServer.start(.token(tokens))
    defer { registry.stop() }
    let image = Image()
    try image.stored.push(to: registry, repository: "lib/image", tag: "1")
    let log = EventLog()
    let wrong = client(.basic(user: "me", password: "old"), log: log)
    try await image.pull(wrong, host: registry.address)
    #expect(log.events.count == 1)
    let error = await registryError { _ = try await wrong.checkLogin(Endpoint(registry: registry.address)) }
    guard case .denied = error?.root else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a TLS registry on this machine, with its authority, without, and insecurely`() async throws {
    let authority = try await CertificateAuthority()
    defer { authority.remove() }
    let registry = try await RegistryServer.start(tls: authority)
    defer { registry.stop() }
    let image = Image()
    try image.stored.push(to: registry, repository: "lib/image", tag: "1")
    let path = authority.certificatePath
    let trusting = client { reference in
      var tls = TLSPolicy()
      tls.additionalAuthorityFiles = [path]
      return Endpoint(reference, tls: tls)
    }
    try await image.pull(trusting, host: registry.address)
    try await image.pull(client { Endpoint($0, security: .insecure) }, host: registry.address)
    let error = await registryError { try await image.pull(client(), host: registry.address) }
    guard case .transport(_, .tls) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a plain registry under an insecure name`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let image = Image()
    try image.stored.push(to: registry, repository: "lib/image", tag: "1")
    try await image.pull(client { Endpoint($0, security: .insecure) }, host: registry.address)
    let error = await registryError {
      try await image.pull(client { Endpoint($0, security: .https) }, host: registry.address)
    }
    guard case .transport(_, .tls) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a blob is continued where an earlier run left it`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let image = Image()
    try image.stored.push(to: registry, repository: "lib/image", tag: "1")
    let reference = try Reference(parsing: "\(registry.address)/lib/image")
    for (earlier, statuses) in [
      (Array(image.layer[..<100_000]), [206]), (image.layer, []), (Array("wrong".utf8), [206, 200]),
      (image.layer + [0], [200]),
    ] {
      let before = try await registry.requests().count
      let receiver = TestReceiver(image.blob.digest, earlier: earlier, pauses: true)
      try await client().fetch(image.blob, from: reference, into: receiver, subject: "layer")
      #expect(receiver.bytes == image.layer)
      #expect(try await registry.requests().dropFirst(before).map(\.status) == statuses)
    }
  }

  @Test func `the 416 that lies about its length is got over`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let image = Image()
    try image.stored.push(to: registry, repository: "lib/image", tag: "1")
    // Of unknown size, so that only the registry can tell that there is no more.
    var blob = image.blob
    blob.byteCount = -1
    let receiver = TestReceiver(blob.digest, earlier: image.layer)
    try await client().fetch(
      blob, from: Reference(parsing: "\(registry.address)/lib/image"), into: receiver, subject: "layer",
      checksSize: false)
    #expect(receiver.bytes == image.layer)
    #expect(receiver.restarts == 1)
  }

  @Test func `blobs behind a redirect are fetched without the registry's password`() async throws {
    let registry = try await RegistryServer.start(.basic(user: "me", password: "secret"))
    defer { registry.stop() }
    let front = try await NginxRedirector.start(
      inFrontOf: registry, authorization: "Basic " + Base64.encode(Array("me:secret".utf8)))
    defer { front.stop() }
    let image = Image()
    try image.stored.push(to: registry, repository: "lib/image", tag: "1")
    let reference = try Reference(parsing: "\(front.address)/lib/image")
    let receiver = TestReceiver(image.blob.digest, earlier: Array(image.layer[..<1000]))
    try await client(.basic(user: "me", password: "secret"))
      .fetch(image.blob, from: reference, into: receiver, subject: "layer")
    #expect(receiver.bytes == image.layer)
    let requests = try await front.blobRequests()
    #expect(requests.map(\.authorization) == [""])
    #expect(requests.map(\.range) == ["bytes=1000-"])
    #expect(requests.map(\.status) == [206])
  }

  @Test func `a blob that is damaged in the registry is a mismatch`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let image = Image()
    var damaged = image.layer
    damaged[1000] ^= 1
    try StoredImage(manifest: image.stored.manifest, blobs: [image.blob.digest: damaged])
      .push(to: registry, repository: "lib/image", tag: "1")
    let receiver = TestReceiver(image.blob.digest)
    let error = await registryError {
      try await client().fetch(
        image.blob, from: Reference(parsing: "\(registry.address)/lib/image"), into: receiver,
        subject: "layer")
    }
    guard case .mismatch(let mismatch, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(mismatch.found == Digest(of: damaged))
    #expect(receiver.bytes.isEmpty)
  }

  @Test func `what is missing is not found, in the registry's words`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let error = await registryError {
      _ = try await client().manifest(for: Reference(parsing: "\(registry.address)/none:1"))
    }
    guard case .notFound(let refusal) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(refusal.messages.map(\.code) == ["MANIFEST_UNKNOWN"])
    let tags = await registryError {
      _ = try await client().tags(of: Reference(parsing: "\(registry.address)/none"))
    }
    guard case .notFound(let names) = tags else {
      Issue.record("\(String(describing: tags))")
      return
    }
    #expect(names.messages.map(\.code) == ["NAME_UNKNOWN"])
  }

  @Test func `cancelling ends a pull`() async throws {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let image = Image()
    try image.stored.push(to: registry, repository: "lib/image", tag: "1")
    let task = Task {
      while true { try await image.pull(client(), host: registry.address) }
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
