import Registry

/// Puts logins where they are kept, and takes them out.
struct LoginStore: Sendable {
  /// Where a login is or was kept.
  struct Place: Sendable, Hashable {
    /// The login file.
    var path: String
    /// The helper that has the secret, when the file only names it.
    var helper: String?
    /// The keys that changed.
    var keys: [String]
  }

  let files: LoginFiles
  let environment: ProcessEnvironment

  init(authfile: String?, environment: ProcessEnvironment) {
    files = LoginFiles(authfile: authfile, environment: environment)
    self.environment = environment
  }

  /// Keeps a login in the target file, or with the helper which that file names.
  func store(user: String, password: String, for name: LoginName) async throws -> Place {
    guard let target = files.target else { throw LoginError.noHome }
    let keeper = try target.read()?.keeper(for: name)
    if let keeper {
      try await CredentialHelper(name: keeper.name, environment: environment)
        .store(keeper.serverAddress, user: user, secret: password)
    }
    return try UserFile.update(target.path) { contents in
      var file = try LoginFile(parsing: contents ?? [], name: target.path, layout: target.layout)
      if keeper == nil {
        file.set(user: user, password: password, for: name)
      } else {
        file.setKept(for: name)
      }
      return (file.contents, Place(path: target.path, helper: keeper?.name, keys: [name.description]))
    }
  }

  /// The file that is read before the target and has a login for `name`, so that a new one would not be used.
  func fileBefore(_ place: Place, for name: LoginName) throws -> String? {
    for location in files.locations {
      if location.path == place.path { return nil }
      if let file = try location.read(), try !file.sources(for: name).isEmpty { return location.path }
    }
    return nil
  }

  /// Removes a login from every file that is looked into, and from the helpers they name.
  func remove(_ name: LoginName) async throws -> [Place] {
    var places: [Place] = []
    for location in files.locations {
      guard let file = try location.read() else { continue }
      let keeper = try file.keeper(for: name)
      let erased = try await erase(name, from: keeper)
      let keys = try removeKeys(at: location) { $0.remove(name) }
      if erased || !keys.isEmpty {
        places.append(Place(path: location.path, helper: erased ? keeper?.name : nil, keys: keys))
      }
    }
    return places
  }

  /// Removes every login of the files that are looked into.
  func removeAll() async throws -> [Place] {
    var places: [Place] = []
    for location in files.locations {
      guard let file = try location.read() else { continue }
      for name in file.keys.compactMap(LoginName.init) {
        _ = try await erase(name, from: try file.keeper(for: name))
      }
      let keys = try removeKeys(at: location) { $0.removeAll() }
      if !keys.isEmpty { places.append(Place(path: location.path, helper: nil, keys: keys)) }
    }
    return places
  }

  private func erase(
    _ name: LoginName, from keeper: (name: String, serverAddress: String)?
  ) async throws -> Bool {
    // Helpers keep registries; a namespace's login is in the file.
    guard let keeper, name.path.isEmpty else { return false }
    return try await CredentialHelper(name: keeper.name, environment: environment).erase(keeper.serverAddress)
  }

  private func removeKeys(
    at location: LoginFiles.Location, _ change: (inout LoginFile) -> [String]
  ) throws -> [String] {
    // Looked at first, so that a file nothing is removed from need not be writable.
    guard var before = try location.read(), !change(&before).isEmpty else { return [] }
    return try UserFile.update(location.path) { contents in
      var file = try LoginFile(parsing: contents ?? [], name: location.path, layout: location.layout)
      let keys = change(&file)
      return (keys.isEmpty ? nil : file.contents, keys)
    }
  }
}

/// Why a login could not be made, found or kept.
enum LoginError: Error, Hashable, CustomStringConvertible {
  /// There is no home directory to keep it in.
  case noHome
  /// The text is no registry's name.
  case badRegistry(String)
  /// Nothing is stored for this registry.
  case notLoggedIn(String)
  /// Name and password cannot be asked for: there is no terminal.
  case noTerminal
  /// A name or password that cannot be sent.
  case unusable(String)
  /// The user pressed Ctrl-C at the prompt.
  case cancelled

  var description: String {
    switch self {
    case .noHome: "there is no home directory for the login file; name a file with --authfile"
    case .badRegistry(let text): "\"\(text)\" is no registry; write HOST[:PORT], for instance quay.io"
    case .notLoggedIn(let name): "no login for \(name) is stored; make one with `cooper login \(name)`"
    case .noTerminal:
      "there is no terminal to ask at; give --username and --password-stdin"
    case .unusable(let what): what
    case .cancelled: "cancelled; nothing was stored"
    }
  }
}
