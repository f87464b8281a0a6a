import Registry
import TestSupport
import Testing

@testable import cooper

@Suite struct LoginFilesTests {
  private func user(_ home: TestHome, authfile: String? = nil, for text: String = "a.com/x") async throws
    -> String?
  {
    let files = LoginFiles(authfile: authfile, environment: home.environment)
    let name = try #require(LoginName(text))
    guard case .basic(let user, _)? = try await files.login(for: name)?.credentials else { return nil }
    return user
  }

  /// The places in order, with the variables that name them besides those of `TestHome`.
  private static let order: [(file: String, variables: [String: String])] = [
    ("run/containers/auth.json", [:]), ("xdg/containers/auth.json", ["XDG_CONFIG_HOME": "xdg"]),
    ("docker/config.json", ["DOCKER_CONFIG": "docker"]), ("home/.dockercfg", [:]),
  ]

  @Test(arguments: 0..<4) func `the first file with a match wins`(first: Int) async throws {
    var home = try TestHome()
    defer { home.root.remove() }
    for (index, place) in Self.order.enumerated() {
      for (name, value) in place.variables { home.environment.variables[name] = home.root.appending(value) }
      let key = index < first ? "other.com" : "a.com"
      try home.writeLogin("user\(index)", for: key, to: place.file)
    }
    #expect(try await user(home) == "user\(first)")
  }

  @Test(arguments: [
    "run/containers/auth.json", "home/.config/containers/auth.json", "home/.docker/config.json",
    "home/.dockercfg",
  ]) func `without variables the files are where the programs put them`(file: String) async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.writeLogin("u", to: file)
    #expect(try await user(home) == "u")
  }

  @Test func `without a runtime directory it is that of containers`() throws {
    let environment = ProcessEnvironment(variables: ["XDG_RUNTIME_DIR": ""], home: "/h", userID: 17)
    let files = LoginFiles(authfile: nil, environment: environment)
    #expect(
      files.locations.map(\.path) == [
        "/run/containers/17/auth.json", "/h/.config/containers/auth.json", "/h/.docker/config.json",
        "/h/.dockercfg",
      ])
  }

  @Test func `without a home there are still the files that variables name`() throws {
    let environment = ProcessEnvironment(
      variables: ["XDG_RUNTIME_DIR": "/r", "DOCKER_CONFIG": "/d"], home: nil)
    let files = LoginFiles(authfile: nil, environment: environment)
    #expect(files.locations.map(\.path) == ["/r/containers/auth.json", "/d/config.json"])
  }

  @Test func `an explicit file stops the search`() async throws {
    var home = try TestHome()
    defer { home.root.remove() }
    try home.writeLogin("docker", to: "home/.docker/config.json")
    try home.writeLogin("else", for: "b.com", to: "mine.json")
    try home.writeLogin("variable", to: "variable.json")
    #expect(try await user(home, authfile: home.root.appending("mine.json")) == nil)
    #expect(try await user(home, authfile: home.root.appending("mine.json"), for: "b.com/x") == "else")
    home.environment.variables["REGISTRY_AUTH_FILE"] = home.root.appending("variable.json")
    #expect(try await user(home) == "variable")
    #expect(try await user(home, authfile: home.root.appending("mine.json")) == nil)
    home.environment.variables["REGISTRY_AUTH_FILE"] = home.root.appending("mine.json")
    #expect(try await user(home) == nil)
  }

  @Test func `a file that --authfile names must exist, one of REGISTRY_AUTH_FILE need not`() async throws {
    var home = try TestHome()
    defer { home.root.remove() }
    let path = home.root.appending("none.json")
    await #expect(throws: UserFileError.missing(path: path, option: "--authfile")) {
      try await user(home, authfile: path)
    }
    home.environment.variables["REGISTRY_AUTH_FILE"] = path
    #expect(try await user(home) == nil)
  }

  @Test func `a malformed file is an error that names it`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.writeLogin("u", to: "home/.docker/config.json")
    let path = try home.root.write("{oops", to: "run/containers/auth.json")
    await #expect { try await user(home) } throws: { "\($0)".hasPrefix(path) }
  }

  @Test func `a malformed file after the match is not looked at`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.writeLogin("u", to: "run/containers/auth.json")
    try home.root.write("{oops", to: "home/.docker/config.json")
    #expect(try await user(home) == "u")
  }

  @Test func `an empty entry lets the search go on`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write(#"{"auths": {"a.com": {}}}"#, to: "run/containers/auth.json")
    try home.writeLogin("u", to: "home/.docker/config.json")
    #expect(try await user(home) == "u")
  }

  @Test func `a helper that has nothing lets the search go on`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try await home.keepingHelper("box")
    try home.root.write(#"{"credHelpers": {"a.com": "box"}}"#, to: "run/containers/auth.json")
    try home.root.write(
      #"{"auths": {"b.com": {"auth": "dTpw"}}, "credsStore": "box"}"#, to: "home/.docker/config.json")
    #expect(try await user(home) == nil)
    #expect(try await user(home, for: "b.com/x") == "u")
    #expect(try home.text("box/calls") == "1 get a.com\n1 get a.com\n")
  }

  @Test func `a helper's login is used`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try await home.helper(
      "box", #"cat >/dev/null; echo '{"ServerURL":"x","Username":"from-box","Secret":"s"}'"#)
    try home.root.write(#"{"auths": {"a.com": {}}, "credsStore": "box"}"#, to: "home/.docker/config.json")
    #expect(try await user(home) == "from-box")
  }

  @Test func `a helper that is not installed is an error`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write(#"{"credsStore": "nowhere"}"#, to: "home/.docker/config.json")
    await #expect(throws: CredentialHelperError.notInstalled("docker-credential-nowhere")) {
      try await user(home)
    }
  }
}
