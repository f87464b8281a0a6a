internal import HTTPTransport

extension Session {
  /// Repeats `attempt` while its errors are of the kind that passes.
  func retrying<Result>(
    _ subject: String, attempts: Int, _ attempt: () async throws -> Result
  ) async throws -> Result {
    var failures = 0
    while true {
      do {
        return try await attempt()
      } catch let error as RegistryError where error.isTransient {
        failures += 1
        guard failures < attempts else { throw error }
        try await pause(after: error, failures: failures, subject: subject)
      }
    }
  }

  /// Waits as long as the registry or the policy says.
  ///
  /// - Throws: `error` itself when the registry wants to be left alone for longer than the policy's patience.
  func pause(after error: RegistryError, failures: Int, subject: String, offset: Int64? = nil) async throws {
    let policy = configuration.retry
    var delay = policy.delay(afterFailures: failures)
    if let wanted = error.refusal?.retryAfter {
      guard Duration.seconds(wanted) <= policy.patienceLimit else { throw error }
      delay = max(delay, .seconds(wanted))
    }
    configuration.report(.retrying(subject: subject, delay: delay, reason: "\(error)", offset: offset))
    try await policy.clock.sleep(delay)
  }
}
