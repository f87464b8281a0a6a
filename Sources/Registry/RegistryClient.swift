public import HTTPTransport
internal import OCIModel

/// Speaks the OCI distribution protocol (registry-protocol.md).
///
/// A client is cheap to copy; copies share tokens and what was learned about registries. All functions may be used at the same
/// time from any task, throw `RegistryError` or `CancellationError`, and answer challenges, follow redirects and try again by
/// themselves. Those that read go through the reference's endpoints in order until one succeeds; those that write use the last one,
/// which is the registry itself.
public struct RegistryClient: Sendable {
  let session: Session

  /// A client that has not spoken to anyone yet.
  public init(transport: any Transport, configuration: RegistryConfiguration = RegistryConfiguration()) {
    session = Session(transport: transport, configuration: configuration)
  }
}

extension RegistryClient {
  /// How often something is tried at a mirror: the next place is as good as another attempt.
  private static let attemptsAtMirror = 2

  /// The result of `work` at the first endpoint where it succeeds.
  ///
  /// `work` is also given the number of attempts it has.
  func atEndpoints<Result>(
    of reference: Reference, _ work: (Endpoint, Int) async throws -> Result
  ) async throws -> Result {
    let endpoints = try session.configuration.endpoints(reference)
    guard let last = endpoints.last else {
      throw RegistryError.unusable(
        RegistryError.Attempt(method: "GET", url: reference.description), "no place is configured for it")
    }
    let attempts = session.configuration.retry.attempts
    var failures: [RegistryError.MirrorFailure] = []
    for mirror in endpoints.dropLast() where !session.memory.isUnreachable(mirror) {
      do {
        return try await work(mirror, min(attempts, Self.attemptsAtMirror))
      } catch let error as RegistryError {
        failures.append(note(error, of: mirror))
      }
    }
    do {
      return try await work(last, attempts)
    } catch let error as RegistryError where !failures.isEmpty {
      throw RegistryError.afterMirrors(failures, error)
    }
  }

  private func note(_ error: RegistryError, of mirror: Endpoint) -> RegistryError.MirrorFailure {
    if case .transport = error.root { session.memory.keepUnreachable(mirror) }
    session.configuration.report(.mirrorFailed(host: mirror.host, reason: "\(error)"))
    return RegistryError.MirrorFailure(host: mirror.host, error: error)
  }
}
