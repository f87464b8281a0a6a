import TestSupport
import Testing

/// Starts one dockerd for all tests of a suite: `@Suite(WithDockerDaemon())`.
struct WithDockerDaemon: SuiteTrait, TestScoping {
  /// Not inherited by suites inside, so that there is one daemon.
  var isRecursive: Bool { false }

  /// The trait.
  init() {}

  /// Runs the suite's tests with `DockerDaemon.current`.
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let daemon = try await DockerDaemon.start()
    defer { daemon.stop() }
    try await DockerDaemon.$current.withValue(daemon) { try await function() }
  }
}
