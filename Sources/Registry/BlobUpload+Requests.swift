internal import Hashing
internal import HTTPTransport
internal import OCIModel

extension BlobUpload {
  private static var octets: HTTPHeaders { ["Content-Type": "application/octet-stream"] }

  /// Opens an upload.
  mutating func open() async throws {
    let algorithm = blob.digest.algorithm
    let query = algorithm == .sha256 ? "" : "?digest-algorithm=\(algorithm.rawValue)"
    let request = RegistryRequest(changing: endpoint, .post, "blobs/uploads/\(query)")
    place = try UploadPlace(try await session.succeed(request, payload: NoBody()))
    offset = 0
  }

  /// Sends all bytes and closes the upload.
  ///
  /// Without a Content-Range: some take the body for a chunk then.
  func putWhole() async throws {
    try await put(body(0..<blob.byteCount), Self.octets)
  }

  /// Closes the upload after its last chunk.
  func putEnd() async throws { try await put(nil, [:]) }

  private func put(_ body: BlobBody<Source>?, _ headers: HTTPHeaders) async throws {
    guard let place else { return }
    let url = try place.url.appending(queryItem: "digest", value: "\(blob.digest)")
    let answer = try await perform(.put, url, headers, body)
    guard answer.isSuccess else { throw await session.refusal(answer, endpoint) }
  }

  /// Sends the bytes from `offset` up to `end`, and goes on to where the registry says it is.
  mutating func patch(until end: Int64) async throws {
    guard let place else { return }
    var headers = Self.octets
    headers.add("Content-Range", "\(offset)-\(end - 1)")
    let answer = try await perform(.patch, place.url, headers, body(offset..<end))
    guard answer.isSuccess else { throw await session.refusal(answer, endpoint) }
    try self.place?.update(answer)
    let count = trustsRange ? UploadRange.byteCount(answer) ?? end : end
    guard count > offset, count <= end else {
      throw UploadProblem.unreliableRange("the registry took \(end) bytes, but says that it has \(count)")
    }
    offset = count
  }

  /// How many bytes the registry has kept of the upload; nil when it does not say.
  mutating func keptByteCount() async throws -> Int64? {
    guard let place else { return nil }
    let answer = try await perform(.get, place.url, [:], nil)
    guard answer.isSuccess else {
      let error = session.error(answer)
      if error.isTransient { throw error }
      self.place = nil
      return nil
    }
    try self.place?.update(answer)
    return UploadRange.byteCount(answer)
  }

  /// Takes leave of an upload that will not be finished.
  ///
  /// Whether that works is the registry's concern.
  mutating func abandon() async {
    guard let place else { return }
    self.place = nil
    await session.cancel(place, at: endpoint)
  }

  private func body(_ range: Range<Int64>) -> BlobBody<Source> {
    BlobBody(blob, range, from: source, subject: subject)
  }

  private func perform(
    _ method: HTTPRequest.Method, _ url: HTTPURL, _ headers: HTTPHeaders, _ body: BlobBody<Source>?
  ) async throws -> Answer {
    var request = RegistryRequest(changing: endpoint, method, "", headers: headers, body: body)
    request.target = url.target
    return try await session.perform(request, at: url)
  }
}

extension Session {
  /// Sends a request to where an upload is, which may be another server than the registry.
  ///
  /// That one is shown no credentials, and must not be one that only we can reach.
  func perform(_ request: RegistryRequest, at url: HTTPURL) async throws -> Answer {
    let home = try request.endpoint.url(memory.scheme(request.endpoint) ?? .https, "/v2/")
    guard !url.hasSameOrigin(as: home) else {
      return try await authenticated(request, at: url, payload: NoBody())
    }
    let rules = rules(home: home, of: request.endpoint)
    var message = HTTPRequest(
      request.method, url, headers: request.headers, tls: rules.tls(for: url),
      addressRule: rules.addressRule(for: url))
    message.bodySource = request.body
    if let objection = rules.objection(to: url, comingFrom: home) {
      throw RegistryError.unsafe(RegistryError.Attempt(request.method, url), objection)
    }
    return try await follow(message, authorization: nil, rules: rules, payload: NoBody())
  }

  /// Tells a registry that an upload will not be finished; it forgets unfinished ones by itself some day.
  func cancel(_ place: UploadPlace, at endpoint: Endpoint) async {
    var request = RegistryRequest(changing: endpoint, .delete, "", actions: "*")
    request.target = place.url.target
    _ = try? await perform(request, at: place.url)
  }

  /// Whether a blob is in the endpoint's repository.
  func has(_ blob: Descriptor, at endpoint: Endpoint) async throws -> Bool {
    let request = RegistryRequest(changing: endpoint, .head, "blobs/\(blob.digest)")
    let answer = try await perform(request, payload: NoBody())
    if answer.isSuccess { return true }
    let home = try endpoint.url(memory.scheme(endpoint) ?? .https, "/v2/")
    switch answer.response.status {
    // 405: it cannot tell.
    case 404, 405, 410: return false
    // A presigned URL is good for GET alone; that there is one means that there is a blob.
    case 400..<500 where !answer.url.hasSameOrigin(as: home) && answer.response.status != 429: return true
    default: throw await refusal(answer, endpoint)
    }
  }

  /// The error for a final answer, with what is known about the credentials.
  func refusal(_ answer: Answer, _ endpoint: Endpoint) async -> RegistryError {
    error(answer, hint: await hint(answer, endpoint.credentialKey))
  }
}
