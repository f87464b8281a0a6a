public import HTTPTransport
public import OCIModel

/// One server that holds a repository: the registry itself, or a mirror of it.
public struct Endpoint: Sendable, Hashable {
  /// How the connection may be made.
  public enum Security: Sendable, Hashable {
    /// `https` and a valid certificate, always.
    case https
    /// As `https`; but on this machine (`localhost`, 127.0.0.0/8, `::1`) plain `http` is tried first.
    ///
    /// No certificate can be had for a loopback address, and nobody can listen there who could not read the files anyway.
    case httpIfLoopback
    /// `https` with any certificate, else plain `http`: the user asked for it.
    case insecure
  }

  /// The host to connect to, with its port where one is written: `registry-1.docker.io`, `localhost:5000`.
  public var host: String
  /// The repository's name there, mirror rewriting done: `library/nix`.
  public var repositoryPath: String
  /// The name by which credentials are looked up: `docker.io/library/nix`.
  ///
  /// For a mirror the mirror's own.
  public var credentialKey: String
  /// How the connection may be made.
  public var security: Security
  /// Certificates.
  ///
  /// `verifies` is not looked at: `security` decides.
  public var tls: TLSPolicy

  /// An endpoint whose parts are all known.
  public init(
    host: String, repositoryPath: String, credentialKey: String, security: Security = .httpIfLoopback,
    tls: TLSPolicy = TLSPolicy()
  ) {
    self.host = host
    self.repositoryPath = repositoryPath
    self.credentialKey = credentialKey
    self.security = security
    self.tls = tls
  }

  /// The repository's own registry.
  public init(_ reference: Reference, security: Security = .httpIfLoopback, tls: TLSPolicy = TLSPolicy()) {
    self.init(
      host: Self.host(ofDomain: reference.domain), repositoryPath: reference.path,
      credentialKey: reference.name,
      security: security, tls: tls)
  }

  /// A registry as a whole, for logging in.
  public init(registry domain: String, security: Security = .httpIfLoopback, tls: TLSPolicy = TLSPolicy()) {
    self.init(
      host: Self.host(ofDomain: domain), repositoryPath: "", credentialKey: domain, security: security,
      tls: tls)
  }

  /// Where the registry of a name's domain is.
  ///
  /// Docker Hub's names say `docker.io`, where no registry is.
  public static func host(ofDomain domain: String) -> String {
    domain == "docker.io" || domain == "index.docker.io" ? "registry-1.docker.io" : domain
  }
}

extension Endpoint {
  /// The scheme to try first, and the one to try when that one is not understood.
  ///
  /// On this machine `http` comes first: most registries here are plain, and one that is not says so at the cost of one round
  /// trip over loopback, while the opposite order would have to tell a failed handshake from a bad certificate.
  var schemes: (first: Scheme, other: Scheme?) {
    switch security {
    case .https: (.https, nil)
    case .httpIfLoopback: HostScope(host) == .loopback ? (.http, .https) : (.https, nil)
    case .insecure: (.https, .http)
    }
  }

  /// The certificates' policy with `security` applied.
  var effectiveTLS: TLSPolicy {
    var policy = tls
    policy.verifies = security != .insecure
    return policy
  }

  /// The URL of something under this host; `target` begins with `/`.
  func url(_ scheme: Scheme, _ target: String) throws -> HTTPURL {
    try HTTPURL(parsing: "\(scheme.rawValue)://\(host)\(target)")
  }
}

/// The two schemes a registry can be spoken to by.
enum Scheme: String, Sendable {
  case http
  case https
}
