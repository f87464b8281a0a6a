internal import Glibc

/// The time, as a value that tests replace.
public struct RegistryClock: Sendable {
  /// Time since some fixed moment.
  ///
  /// Never goes back; tokens age by it.
  public var uptime: @Sendable () -> Duration
  /// Seconds since 1970, for dates that servers send.
  public var unixTime: @Sendable () -> Int64
  /// Waits; throws `CancellationError` when the task is cancelled.
  public var sleep: @Sendable (Duration) async throws -> Void

  /// A clock of the caller's own making.
  public init(
    uptime: @escaping @Sendable () -> Duration, unixTime: @escaping @Sendable () -> Int64,
    sleep: @escaping @Sendable (Duration) async throws -> Void
  ) {
    self.uptime = uptime
    self.unixTime = unixTime
    self.sleep = sleep
  }

  /// The machine's clock.
  public static let system: RegistryClock = {
    let start = ContinuousClock.now
    return RegistryClock(
      uptime: { ContinuousClock.now - start }, unixTime: { Int64(time(nil)) },
      sleep: { try await Task.sleep(for: $0) })
  }()
}
