import HTTPTransport
import OCIModel
import Registry

/// How this user talks to registries: options, registries.conf, certificates and logins brought together.
struct RegistryEnvironment: Sendable {
  /// registries.conf and what it includes.
  let registries: RegistriesConfiguration
  /// The login files.
  let loginFiles: LoginFiles
  private let options: Options
  private let environment: ProcessEnvironment

  /// What is needed of `RegistryOptions`, which cannot cross tasks.
  private struct Options: Sendable {
    var tlsVerify: Bool?
    var authfile: String?
    var certificateDirectory: String?
    var credentials: Credentials?
    var retry: Int?
    var stallSeconds: Int?
  }

  /// Reads registries.conf.
  ///
  /// Login files are read when a registry asks for a login.
  ///
  /// - Throws: `ConfigurationError`, `UserFileError`, and what asking for a password throws.
  init(_ options: RegistryOptions, environment: ProcessEnvironment = .current) throws {
    self.options = Options(
      tlsVerify: options.tlsVerify, authfile: options.authfile,
      certificateDirectory: options.certificateDirectory, credentials: try options.explicitCredentials(),
      retry: options.retry, stallSeconds: options.stallSeconds)
    self.environment = environment
    registries = try RegistriesFiles(environment).read()
    loginFiles = LoginFiles(authfile: options.authfile, environment: environment)
  }

  /// What a registry client needs.
  ///
  /// `--creds` are for the registry `domain` alone, the one the user named: never for a mirror of it or
  /// another registry.
  func configuration(
    for purpose: RegistriesConfiguration.Purpose, at domain: String
  ) -> RegistryConfiguration {
    var result = RegistryConfiguration()
    result.endpoints = { reference in try endpoints(for: reference, purpose: purpose) }
    result.credentials = { endpoint in try await credentials(for: endpoint, at: domain) }
    if let retry = options.retry { result.retry.attempts = retry + 1 }
    if let seconds = options.stallSeconds { result.patience.stallSeconds = seconds }
    return result
  }

  /// The servers that may have an image, best first.
  func endpoints(
    for reference: Reference, purpose: RegistriesConfiguration.Purpose = .pull
  ) throws -> [Endpoint] {
    try registries.locations(of: reference, for: purpose).map { location in
      Endpoint(
        host: Endpoint.host(ofDomain: location.domain), repositoryPath: location.repositoryPath,
        credentialKey: "\(location.domain)/\(location.repositoryPath)",
        security: security(isInsecure: location.isInsecure), tls: try tlsPolicy(for: location.domain))
    }
  }

  /// Whether an image is read from the place that it would be written to, and from nowhere else.
  ///
  /// Then what was read there need not be asked for before it is named in a push.
  func readsWhereItWrites(_ reference: Reference) throws -> Bool {
    try registries.locations(of: reference, for: .pull) == registries.locations(of: reference, for: .push)
  }

  /// A registry as a whole, for logging in.
  func endpoint(registry domain: String) throws -> Endpoint {
    Endpoint(
      registry: domain, security: security(isInsecure: try registries.isInsecure(domain: domain)),
      tls: try tlsPolicy(for: domain))
  }

  /// The option decides; without it registries.conf does.
  private func security(isInsecure: Bool) -> Endpoint.Security {
    switch options.tlsVerify {
    case true?: .https
    case false?: .insecure
    case nil: isInsecure ? .insecure : .httpIfLoopback
    }
  }

  // MARK: Certificates

  private func tlsPolicy(for domain: String) throws -> TLSPolicy {
    var policy = TLSPolicy()
    // `/no-cert-file.crt` is what Nix's builders set to say that there is none.
    policy.authorityFile = ["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"].lazy
      .compactMap { environment[$0] }.first { $0 != "/no-cert-file.crt" }
    policy.authorityDirectory = environment["SSL_CERT_DIR"]
    try certificates(for: domain)?.apply(to: &policy)
    return policy
  }

  private func certificates(for domain: String) throws -> CertificateDirectory? {
    if let path = options.certificateDirectory {
      guard let names = try UserFile.names(inDirectory: path) else {
        throw UserFileError.missing(path: path, option: "--cert-dir")
      }
      return try CertificateDirectory(path: path, names: names)
    }
    let candidates = CertificateDirectory.candidates(
      domain: domain, home: environment.home, systemDirectory: environment.systemDirectory)
    for path in candidates {
      if let names = try UserFile.names(inDirectory: path) {
        return try CertificateDirectory(path: path, names: names)
      }
    }
    return nil
  }

  // MARK: Credentials

  /// The login for a server, looked up by its own name: a mirror never gets its original's.
  func credentials(for endpoint: Endpoint, at domain: String?) async throws -> Credentials? {
    guard let name = LoginName(endpoint.credentialKey) else { return nil }
    if let explicit = options.credentials, let domain, LoginName(domain)?.domain == name.domain {
      return explicit
    }
    // An explicit file is the only source, as everywhere.
    guard options.authfile == nil, let sources = registries.credentialHelpers else {
      return try await loginFiles.login(for: name)?.credentials
    }
    for source in sources {
      let found =
        source == "containers-auth.json"
        ? try await loginFiles.login(for: name)?.credentials
        : try await CredentialHelper(name: source, environment: environment).get(name.serverAddress)
      if let found { return found }
    }
    return nil
  }
}
