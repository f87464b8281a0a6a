import OrderedJSON
import Registry

/// The login files that are looked into, in order (registry-protocol.md, section 12).
struct LoginFiles: Sendable {
  /// One file.
  struct Location: Sendable, Hashable {
    /// Where it is.
    var path: String
    /// How it is laid out.
    var layout = LoginFile.Layout.current
    /// The option that named it: then it must exist.
    var option: String?

    /// What the file holds; nil when there is none.
    func read() throws -> LoginFile? {
      guard let contents = try UserFile.read(path) else {
        guard let option else { return nil }
        throw UserFileError.missing(path: path, option: option)
      }
      return try LoginFile(parsing: contents, name: path, layout: layout)
    }
  }

  /// The files, best first.
  let locations: [Location]
  /// The file that new logins go into.
  let target: Location?
  private let environment: ProcessEnvironment

  /// The files that a user with this environment has.
  ///
  /// `authfile` is the option's value; it and `REGISTRY_AUTH_FILE` leave no others.
  init(authfile: String?, environment: ProcessEnvironment) {
    self.environment = environment
    if let path = authfile ?? environment["REGISTRY_AUTH_FILE"] {
      // The variable is often set before the first login, so its file need not exist.
      let option = authfile == nil ? nil : "--authfile"
      let only = Location(
        path: path, layout: path.hasSuffix("/.dockercfg") ? .flat : .current, option: option)
      locations = [only]
      target = Location(path: path, layout: only.layout)
      return
    }
    let home = environment.home
    let runtime = environment["XDG_RUNTIME_DIR"] ?? "/run/containers/\(environment.userID)"
    let runtimeFile =
      environment["XDG_RUNTIME_DIR"] == nil ? "\(runtime)/auth.json" : "\(runtime)/containers/auth.json"
    let settings = environment["XDG_CONFIG_HOME"] ?? home.map { "\($0)/.config" }
    let docker = environment["DOCKER_CONFIG"] ?? home.map { "\($0)/.docker" }
    target = docker.map { Location(path: "\($0)/config.json") }
    locations =
      [Location(path: runtimeFile)]
      + [settings.map { Location(path: "\($0)/containers/auth.json") }, target]
      .compactMap { $0 } + (home.map { [Location(path: "\($0)/.dockercfg", layout: .flat)] } ?? [])
  }

  /// A login and the file it was found in.
  struct Found: Sendable {
    /// The login.
    var credentials: Credentials
    /// The file that holds it or names its helper.
    var path: String
  }

  /// The first login for an image or registry name, asking helpers as the files say.
  ///
  /// - Throws: `ConfigurationError`, `UserFileError`, `CredentialHelperError`.
  func login(for name: LoginName) async throws -> Found? {
    for location in locations {
      guard let file = try location.read() else { continue }
      for source in try file.sources(for: name) {
        if let found = try await credentials(source) { return Found(credentials: found, path: location.path) }
      }
    }
    return nil
  }

  private func credentials(_ source: LoginFile.Source) async throws -> Credentials? {
    switch source {
    case .credentials(let credentials): credentials
    case .helper(let name, let address):
      try await CredentialHelper(name: name, environment: environment).get(address)
    }
  }
}
