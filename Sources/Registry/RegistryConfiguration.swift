public import HTTPTransport
public import OCIModel

/// Everything a registry client must be told.
public struct RegistryConfiguration: Sendable {
  /// Where a reference can be had: mirrors in order, the location itself last.
  ///
  /// An error ends the request.
  public var endpoints: @Sendable (Reference) throws -> [Endpoint] = { [Endpoint($0)] }
  /// What to show there, or nil.
  ///
  /// Asked at most once for each key, and only when a registry wants to know; may start a helper.
  public var credentials: @Sendable (Endpoint) async throws -> Credentials? = { _ in nil }
  /// When to try again.
  public var retry = RetryPolicy()
  /// Time limits of one request.
  public var patience = Patience()
  /// Who we say we are.
  ///
  /// Some fronts refuse requests without.
  public var userAgent = "cooper"
  /// Takes what happens by the way.
  ///
  /// Called from any thread, must not wait.
  public var report: @Sendable (RegistryEvent) -> Void = { _ in }

  /// The references' own registries, without credentials.
  public init() {}
}
