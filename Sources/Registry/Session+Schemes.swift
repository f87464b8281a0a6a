internal import HTTPTransport

extension Session {
  /// Sends a request by the scheme that the endpoint is known to speak, or finds out which.
  ///
  /// Returns whatever was answered; `succeed` is for the usual case.
  func perform(_ request: RegistryRequest, payload: some ResponseReceiver) async throws -> Answer {
    let endpoint = request.endpoint
    let schemes = memory.scheme(endpoint).map { (first: $0, other: nil) } ?? endpoint.schemes
    let first = try await outcome(request, schemes.first, payload)
    guard first.suggestsOtherScheme, let other = schemes.other else {
      if !first.suggestsOtherScheme { memory.keep(schemes.first, for: endpoint) }
      return try first.preferred(over: nil)
    }
    let second = try await outcome(request, other, payload)
    if !second.suggestsOtherScheme { memory.keep(other, for: endpoint) }
    return try second.preferred(over: first)
  }

  /// As `perform`, for requests whose every status but success is an error.
  func succeed(_ request: RegistryRequest, payload: some ResponseReceiver) async throws -> Answer {
    let answer = try await perform(request, payload: payload)
    guard answer.isSuccess else {
      throw error(answer, hint: await hint(answer, request.endpoint.credentialKey))
    }
    return answer
  }

  /// What may be the reason for a denial.
  func hint(_ answer: Answer, _ key: String) async -> String? {
    guard [401, 403].contains(answer.response.status) else { return nil }
    if let hint = memory.hint(key) { return hint }
    return await credentials.lacks(key) ? "no credentials are stored for \(key)" : nil
  }

  private func outcome(
    _ request: RegistryRequest, _ scheme: Scheme, _ payload: some ResponseReceiver
  ) async throws -> Outcome {
    let url = try request.endpoint.url(scheme, request.target)
    do {
      return .answer(try await authenticated(request, at: url, payload: payload), scheme)
    } catch let error as RegistryError {
      guard case .transport(_, let reason) = error, !memory.hasAnswered(url.origin) else { throw error }
      return .failure(error, reason)
    }
  }
}

/// How a request by one scheme ended, before anything was heard by it.
private enum Outcome {
  case answer(Answer, Scheme)
  case failure(RegistryError, TransportError)

  var suggestsOtherScheme: Bool {
    switch self {
    case .answer(let answer, let scheme): scheme == .http && answer.isFromTLSServer
    case .failure(_, .tls), .failure(_, .couldNotConnect), .failure(_, .connectionLost), .failure(_, .other):
      true
    case .failure: false
    }
  }

  /// Of two failures the one that got further says more.
  func preferred(over earlier: Outcome?) throws -> Answer {
    switch (self, earlier) {
    case (.answer(let answer, _), _): return answer
    case (.failure(let error, .tls), _): throw error
    case (.failure, .answer(let answer, _)): return answer
    case (.failure(_, .couldNotConnect), .failure(let error, _)): throw error
    case (.failure(let error, _), _): throw error
    }
  }
}

extension Answer {
  /// Whether this is what a TLS server says to plain text.
  ///
  /// Registries say more in a 400.
  fileprivate var isFromTLSServer: Bool {
    response.status == 400 && response.headers.first("docker-distribution-api-version") == nil
      && Refusal.messages(in: body).isEmpty
  }
}
