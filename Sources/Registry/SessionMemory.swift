internal import Hashing
internal import Synchronization

/// What a client learned about registries; it spares later requests a round trip, and is lost with the client.
final class SessionMemory: Sendable {
  /// Who asks for what: challenges are answered per registry and scope.
  struct Site: Sendable, Hashable {
    let host: String
    let credentialKey: String
    let scope: String?
  }

  private struct Facts {
    var challenges: [Site: Challenge] = [:]
    var sitesWithoutCredentials: Set<Site> = []
    var refusedCredentials: [String: String] = [:]
    var schemes: [Endpoint.Identity: Scheme] = [:]
    var answering: Set<String> = []
    var privateHosts: Set<String> = []
    var warnings: Set<String> = []
    var unreachable: Set<Endpoint.Identity> = []
    var uploads: [UploadKey: UploadPlace] = [:]
  }

  /// Which upload is meant.
  struct UploadKey: Sendable, Hashable {
    let host: String
    let repositoryPath: String
    let digest: Digest
  }

  private let facts = Mutex(Facts())

  /// The last challenge that was answered.
  func challenge(_ site: Site) -> Challenge? { facts.withLock { $0.challenges[site] } }

  func keep(_ challenge: Challenge, for site: Site) { facts.withLock { $0.challenges[site] = challenge } }

  /// Whether credentials were refused where going without was not.
  func goesWithoutCredentials(_ site: Site) -> Bool {
    facts.withLock { $0.sitesWithoutCredentials.contains(site) }
  }

  /// Whether this is news.
  func goWithoutCredentials(_ site: Site) -> Bool {
    facts.withLock { $0.sitesWithoutCredentials.insert(site).inserted }
  }

  /// A sentence about credentials that a token server refused.
  func hint(_ key: String) -> String? { facts.withLock { $0.refusedCredentials[key] } }

  func keep(hint: String, for key: String) { facts.withLock { $0.refusedCredentials[key] = hint } }

  /// The scheme that worked.
  func scheme(_ endpoint: Endpoint) -> Scheme? { facts.withLock { $0.schemes[endpoint.identity] } }

  func keep(_ scheme: Scheme, for endpoint: Endpoint) {
    facts.withLock { $0.schemes[endpoint.identity] = scheme }
  }

  /// Whether anything ever came from that origin.
  func hasAnswered(_ origin: String) -> Bool { facts.withLock { $0.answering.contains(origin) } }

  func keepAnswering(_ origin: String) { _ = facts.withLock { $0.answering.insert(origin) } }

  /// Whether the host was seen to be at a private address.
  func isPrivate(_ host: String) -> Bool { facts.withLock { $0.privateHosts.contains(host) } }

  func keepPrivate(_ host: String) { _ = facts.withLock { $0.privateHosts.insert(host) } }

  /// Whether this text of that host is news.
  func isNews(_ text: String, from host: String) -> Bool {
    facts.withLock { $0.warnings.insert("\(host) \(text)").inserted }
  }

  /// Whether nobody answered there.
  func isUnreachable(_ endpoint: Endpoint) -> Bool {
    facts.withLock { $0.unreachable.contains(endpoint.identity) }
  }

  /// An upload that was opened but not used, given out once.
  func takeUpload(_ key: UploadKey) -> UploadPlace? {
    facts.withLock { $0.uploads.removeValue(forKey: key) }
  }

  func keep(_ place: UploadPlace, for key: UploadKey) { facts.withLock { $0.uploads[key] = place } }

  func keepUnreachable(_ endpoint: Endpoint) {
    _ = facts.withLock { $0.unreachable.insert(endpoint.identity) }
  }
}

extension Endpoint {
  /// What one server is told from another by.
  struct Identity: Hashable, Sendable {
    let host: String
    let security: Security
  }

  var identity: Identity { Identity(host: host, security: security) }
}
