internal import HTTPTransport
internal import OCIModel

extension RegistryClient {
  /// Fetches a blob from the places that its descriptor names (docker-archive-bytes.md, "Layers").
  ///
  /// The first that answers 200 is used. Nobody there is shown credentials, and only public addresses are allowed, as for
  /// token servers. False when none could be connected to: then the registry may have the blob itself.
  func fetchForeign(
    _ blob: Descriptor, from reference: Reference, into receiver: some BlobReceiver, subject: String,
    checksSize: Bool
  ) async throws -> Bool {
    let urls = blob.urls.compactMap { try? HTTPURL(parsing: $0) }
    guard !urls.isEmpty, let endpoint = try session.configuration.endpoints(reference).last else {
      return false
    }
    let home = try endpoint.url(.https, "/v2/")
    var lastRefusal: RegistryError?
    for url in urls {
      do {
        var transfer = BlobTransfer(
          blob, into: receiver, subject: subject, checksSize: checksSize, session: session,
          attempts: session.configuration.retry.attempts
        ) { headers, payload in
          try await session.open(url, headers, payload, rules: session.rules(home: home, of: endpoint))
        }
        try await transfer.run()
        return true
      } catch let error as RegistryError {
        guard let refusal = try session.considered(error) else {
          lastRefusal = nil
          continue
        }
        lastRefusal = refusal
      }
    }
    if let lastRefusal { throw lastRefusal }
    return false
  }
}

extension Session {
  fileprivate func open(
    _ url: HTTPURL, _ headers: HTTPHeaders, _ payload: some ResponseReceiver, rules: HopRules
  ) async throws -> Answer {
    let request = HTTPRequest(
      .get, url, headers: headers, tls: rules.tls(for: url), addressRule: rules.addressRule(for: url))
    let answer = try await follow(request, authorization: nil, rules: rules, payload: payload)
    guard answer.isSuccess else { throw error(answer) }
    return answer
  }

  /// The error when the place answered, nil when it could not be connected to.
  ///
  /// Wrong content ends the search.
  fileprivate func considered(_ error: RegistryError) throws -> RegistryError? {
    switch error {
    case .transport(_, .couldNotConnect), .transport(_, .hostNotFound), .transport(_, .tls),
      .transport(_, .forbiddenAddress), .transport(_, .badURL), .unsafe:
      return nil
    case .mismatch: throw error
    default: return error
    }
  }
}
