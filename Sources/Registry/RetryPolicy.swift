/// How often, and after which waits, something is tried again (registry-protocol.md, section 10).
public struct RetryPolicy: Sendable {
  /// How many times a request is sent in all, at least 1.
  ///
  /// For blobs: how many times in a row without progress.
  public var attempts = 5
  /// The wait after the first failure; each further one doubles it.
  public var baseDelay = Duration.milliseconds(500)
  /// The longest wait of our own choosing.
  public var delayLimit = Duration.seconds(60)
  /// The longest `Retry-After` that is waited for.
  ///
  /// Longer ones end the request with `RegistryError.rateLimited`.
  public var patienceLimit = Duration.seconds(300)
  /// The time.
  public var clock = RegistryClock.system
  /// A number in 0..<1, which spreads the waits of many clients.
  public var random: @Sendable () -> Double = { Double.random(in: 0..<1) }

  /// The defaults.
  public init() {}

  /// Progress that clears the count of failures, in bytes.
  static let progress: Int64 = 1 << 20

  /// The wait after `failures` failures in a row: between half of the doubled delay and all of it.
  func delay(afterFailures failures: Int) -> Duration {
    var delay = baseDelay
    for _ in 1..<max(failures, 1) where delay < delayLimit { delay *= 2 }
    return min(delay, delayLimit) * (0.5 + random() / 2)
  }

  /// Statuses that mean “later, perhaps”, including those of fronts (499, 520 to 524).
  static func isTransient(status: Int) -> Bool {
    switch status {
    case 408, 429, 499, 500, 502...504, 520...524: true
    default: false
    }
  }
}
