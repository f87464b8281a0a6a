internal import HTTPTransport

/// The state that all requests of one client share.
final class Session: Sendable {
  let transport: any Transport
  let configuration: RegistryConfiguration
  let tokens: TokenCache
  let memory = SessionMemory()
  let credentials: CredentialCache
  /// Changes of lists of referrers, which are read, changed and written.
  let lists = SerialWork()

  init(transport: any Transport, configuration: RegistryConfiguration) {
    self.transport = transport
    self.configuration = configuration
    tokens = TokenCache(clock: configuration.retry.clock)
    credentials = CredentialCache(lookup: configuration.credentials)
  }

  var clock: RegistryClock { configuration.retry.clock }

  /// The rules for wherever `home` sends us.
  func rules(home: HTTPURL, of endpoint: Endpoint) -> HopRules {
    HopRules(
      home: home, homeIsPrivate: memory.isPrivate(home.host), isInsecure: endpoint.security == .insecure,
      tls: endpoint.effectiveTLS)
  }

  /// The error that a final answer stands for.
  func error(_ answer: Answer, hint: String? = nil) -> RegistryError {
    RegistryError(answer, now: clock.unixTime(), hint: hint)
  }
}

/// Looks credentials up once for each key: a helper program may be slow, or ask its user.
actor CredentialCache {
  private let lookup: @Sendable (Endpoint) async throws -> Credentials?
  private let requests = SharedWork<String, Credentials?>()
  private var known: [String: Credentials?] = [:]

  init(lookup: @escaping @Sendable (Endpoint) async throws -> Credentials?) { self.lookup = lookup }

  /// Whether it was asked for, and there is nothing.
  func lacks(_ key: String) -> Bool { known[key] == .some(nil) }

  func credentials(for endpoint: Endpoint) async throws -> Credentials? {
    let key = endpoint.credentialKey
    if let found = known[key] { return found }
    do {
      let found = try await requests.value(for: key) { [lookup] in try await lookup(endpoint) }
      known[key] = .some(found)
      return found
    } catch let error as CancellationError {
      throw error
    } catch {
      throw RegistryError.credentials(key: key, reason: "\(error)")
    }
  }
}
