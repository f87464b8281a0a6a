import ArgumentParser
import OrderedJSON
import Registry
import SystemPackage

/// The command that stores a login.
struct Login: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stores a login for a registry, after trying it.",
    discussion: """
      The login goes into the file that --authfile or REGISTRY_AUTH_FILE names, else into Docker's \
      ~/.docker/config.json (in DOCKER_CONFIG, if that is set), where docker, skopeo and podman find it too. \
      If that file names a credential helper for the registry (credHelpers, credsStore), the helper gets the \
      login instead.

      Logins are looked for in this order: $XDG_RUNTIME_DIR/containers/auth.json, \
      ~/.config/containers/auth.json, ~/.docker/config.json, ~/.dockercfg.

      EXAMPLES:
        cooper login quay.io
        echo "$TOKEN" | cooper login --username robot --password-stdin registry.example.com:5000
      """)

  @Argument(help: ArgumentHelp("Registry, or a namespace in it.", valueName: "host[:port][/namespace]"))
  var registry = "docker.io"

  @Option(name: .shortAndLong, help: "Name of the user; asked for when it is left out.")
  var username: String?

  @Flag(name: .customLong("password-stdin"), help: "Take the password from standard input.")
  var readsPassword = false

  @Flag(name: .customLong("get-login"), help: "Print the name of the stored user, and do nothing else.")
  var printsLogin = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  @OptionGroup var options: RegistryOptions

  mutating func validate() throws {
    if options.credentials != nil {
      throw ValidationError("--creds is not for login; use --username and --password-stdin.")
    }
    if readsPassword, username == nil { throw ValidationError("--password-stdin needs --username.") }
  }

  mutating func run() async throws {
    guard let name = LoginName(registry) else { throw LoginError.badRegistry(registry) }
    if printsLogin { return try await printLogin(of: name) }
    let environment = ProcessEnvironment.current
    let (user, password) = try askCredentials(for: name)
    let isTried = try await RegistryEnvironment(options, environment: environment)
      .checkLogin(.basic(user: user, password: password), for: name)
    let store = LoginStore(authfile: options.authfile, environment: environment)
    let place = try await store.store(user: user, password: password, for: name)
    try report(place, user: user, name: name, isTried: isTried)
    if let other = try store.fileBefore(place, for: name) {
      Console.error("note: \(other) is looked into first and has another login for \(name)")
    }
  }

  private func printLogin(of name: LoginName) async throws {
    let files = LoginFiles(authfile: options.authfile, environment: .current)
    guard let found = try await files.login(for: name) else { throw LoginError.notLoggedIn(name.description) }
    let user = if case .basic(let user, _) = found.credentials { user } else { "<token>" }
    guard json else { return try Console.output(user) }
    let facts: JSONValue = [
      "registry": .string(name.description), "username": .string(user), "file": .string(found.path),
    ]
    try Console.output(facts.text)
  }

  private func askCredentials(for name: LoginName) throws -> (user: String, password: String) {
    let terminal = Terminal.standard
    guard let user = try username ?? terminal.line(prompt: "User name at \(name): "), !user.isEmpty else {
      throw LoginError.unusable("the user name is empty")
    }
    guard !user.contains(":") else {
      throw LoginError.unusable("the user name \"\(user)\" has a colon in it")
    }
    let password =
      readsPassword ? try StandardInput.firstText() : try terminal.secret(prompt: "Password of \(user): ")
    guard !password.isEmpty else { throw LoginError.unusable("the password is empty") }
    return (user, password)
  }

  private func report(_ place: LoginStore.Place, user: String, name: LoginName, isTried: Bool) throws {
    guard json else {
      let keeper = place.helper.map { "the credential helper \($0)" } ?? place.path
      let verdict = isTried ? "works" : "was not asked for, so it may be wrong,"
      return try Console.output("The login of \(user) for \(name) \(verdict) and is stored in \(keeper).")
    }
    let facts: JSONValue = [
      "registry": .string(name.description), "username": .string(user), "accepted": .bool(isTried),
      "file": .string(place.path), "helper": place.helper.map { .string($0) } ?? .null,
    ]
    try Console.output(facts.text)
  }
}

/// What is given through a pipe.
enum StandardInput {
  private static let byteLimit = 1 << 16

  /// Everything, without the line's end after it.
  static func firstText(_ input: FileDescriptor = .standardInput) throws -> String {
    guard var bytes = try input.readToEnd(limit: byteLimit) else {
      throw LoginError.unusable("the password on standard input has more than \(byteLimit) bytes")
    }
    if bytes.last == 0x0A { bytes.removeLast() }
    if bytes.last == 0x0D { bytes.removeLast() }
    guard let text = String(validating: bytes, as: UTF8.self), !text.contains("\0") else {
      throw LoginError.unusable("the password on standard input is not UTF-8 text")
    }
    return text
  }
}

extension JSONValue {
  /// The document as people read it.
  var text: String { String(decoding: serialized(.indented(by: 2)), as: UTF8.self) }
}
