internal import HTTPTransport

extension RegistryClient {
  /// What a registry said to the credentials.
  public enum LoginCheck: Sendable, Hashable {
    /// It wanted them, and took them.
    case accepted
    /// It lets everybody in, or wanted nothing that there are credentials for.
    case notAskedFor
  }

  /// Shows the configured credentials to a registry.
  ///
  /// - Throws: `RegistryError` with the root `denied` when they are refused. There is no attempt without credentials.
  public func checkLogin(_ endpoint: Endpoint) async throws -> LoginCheck {
    let request = RegistryRequest(base: endpoint)
    let answer = try await session.retrying(
      "login to \(endpoint.host)", attempts: session.configuration.retry.attempts
    ) {
      try await session.perform(request, payload: NoBody())
    }
    guard answer.isSuccess else {
      throw session.error(
        answer, hint: answer.response.status == 404 ? "no registry is at this address" : nil)
    }
    return session.memory.challenge(request.hostSite) == nil ? .notAskedFor : .accepted
  }
}
