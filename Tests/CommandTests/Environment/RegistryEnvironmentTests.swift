import ArgumentParser
import HTTPTransport
import OCIModel
import Registry
import TestSupport
import Testing

@testable import cooper

@Suite struct RegistryEnvironmentTests {
  private func endpoints(
    _ home: TestHome, _ arguments: [String] = [], image: String = "a.com/x:1"
  ) throws -> [Endpoint] {
    try environment(home, arguments).endpoints(for: Reference(parsing: image))
  }

  private func environment(_ home: TestHome, _ arguments: [String] = []) throws -> RegistryEnvironment {
    try RegistryEnvironment(RegistryOptions.parse(arguments), environment: home.environment)
  }

  @Test func `without settings an image has one endpoint`() throws {
    let home = try TestHome()
    defer { home.root.remove() }
    #expect(try endpoints(home, image: "nix") == [Endpoint(try Reference(parsing: "nix"))])
    #expect(
      try endpoints(home, image: "localhost:5000/a").map(\.security) == [.httpIfLoopback])
  }

  @Test(
    arguments: [
      ([], false, Endpoint.Security.httpIfLoopback), ([], true, .insecure),
      (["--tls-verify=true"], true, .https), (["--tls-verify=true"], false, .https),
      (["--tls-verify=false"], false, .insecure), (["--tls-verify", "false"], true, .insecure),
    ] as [([String], Bool, Endpoint.Security)])
  func `the option decides about certificates, then registries.conf`(
    arguments: [String], isInsecure: Bool, expected: Endpoint.Security
  ) throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write(
      "[[registry]]\nlocation = 'a.com'\ninsecure = \(isInsecure)", to: "etc/containers/registries.conf")
    #expect(try endpoints(home, arguments).map(\.security) == [expected])
    #expect(try environment(home, arguments).endpoint(registry: "a.com").security == expected)
  }

  @Test func `mirrors come first, under their own names`() throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write(
      "[[registry]]\nprefix = 'docker.io'\nlocation = 'docker.io'\n"
        + "[[registry.mirror]]\nlocation = 'm.net:5/hub'",
      to: "etc/containers/registries.conf")
    let found = try endpoints(home, image: "nix")
    #expect(found.map(\.host) == ["m.net:5", "registry-1.docker.io"])
    #expect(found.map(\.repositoryPath) == ["hub/library/nix", "library/nix"])
    #expect(found.map(\.credentialKey) == ["m.net:5/hub/library/nix", "docker.io/library/nix"])
  }

  // MARK: registries.conf

  private func write(_ location: String, to file: String, in home: TestHome) throws {
    try home.root.write("[[registry]]\nprefix = 'a.com'\nlocation = '\(location)'", to: file)
  }

  /// Which files exist, named after the location they give, and which of them counts.
  @Test(
    arguments: [
      (["etc/containers/registries.conf"], "etc/containers/registries.conf"),
      (
        ["etc/containers/registries.conf", "home/.config/containers/registries.conf"],
        "home/.config/containers/registries.conf"
      ),
      (
        ["etc/containers/registries.conf", "home/.config/containers/registries.conf", "variable.conf"],
        "variable.conf"
      ),
      (
        ["etc/containers/registries.conf", "etc/containers/registries.conf.d/a.conf"],
        "etc/containers/registries.conf.d/a.conf"
      ),
      (
        ["etc/containers/registries.conf.d/b.conf", "etc/containers/registries.conf.d/a.conf"],
        "etc/containers/registries.conf.d/b.conf"
      ),
      (
        ["etc/containers/registries.conf.d/b.conf", "home/.config/containers/registries.conf.d/a.conf"],
        "home/.config/containers/registries.conf.d/a.conf"
      ),
      (
        ["etc/containers/registries.conf.d/b.conf", "home/.config/containers/registries.conf"],
        "home/.config/containers/registries.conf"
      ),
      (
        ["home/.config/containers/registries.conf.d/b.conf", "home/.config/containers/registries.conf"],
        "home/.config/containers/registries.conf.d/b.conf"
      ),
      (
        ["etc/containers/registries.conf.d/b.conf", "variable.conf"],
        "etc/containers/registries.conf.d/b.conf"
      ),
      (
        ["etc/containers/registries.conf", "etc/containers/registries.conf.d/a.txt"],
        "etc/containers/registries.conf"
      ),
    ] as [([String], String)]) func `of several registries.conf the right one counts`(
      files: [String], expected: String
    ) throws
  {
    var home = try TestHome()
    defer { home.root.remove() }
    for (index, file) in files.enumerated() { try write("n\(index).net", to: file, in: home) }
    if files.contains("variable.conf") {
      home.environment.variables["CONTAINERS_REGISTRIES_CONF"] = home.root.appending("variable.conf")
    }
    let index = try #require(files.firstIndex(of: expected))
    #expect(try endpoints(home).map(\.host) == ["n\(index).net"])
  }

  @Test func `a file that the variable names must exist`() throws {
    var home = try TestHome()
    defer { home.root.remove() }
    home.environment.variables["CONTAINERS_REGISTRIES_CONF"] = "/nowhere/registries.conf"
    #expect(throws: UserFileError.self) { try environment(home) }
  }

  @Test func `the machine's own files are understood`() throws {
    // Debian's golang-github-containers-common: comments, and some ninety aliases.
    var home = try TestHome()
    defer { home.root.remove() }
    home.environment.systemDirectory = "/etc"
    #expect(try endpoints(home, image: "docker.io/library/x").count == 1)
  }

  // MARK: Certificates

  @Test func `the first directory of certificates that exists counts alone`() throws {
    let home = try TestHome()
    defer { home.root.remove() }
    let user = try home.root.write("", to: "home/.config/containers/certs.d/b.com/user.crt")
    let machine = try home.root.write("", to: "etc/containers/certs.d/b.com/machine.crt")
    let docker = try home.root.write("", to: "etc/docker/certs.d/a.com:5000/ca.crt")
    try home.root.write("", to: "etc/docker/certs.d/b.com/lonely.key")
    #expect(machine.hasSuffix("machine.crt"))
    let authorities = { (image: String) in
      try endpoints(home, image: image).map(\.tls.additionalAuthorityFiles)
    }
    #expect(try authorities("b.com/x") == [[user]])
    #expect(try authorities("a.com:5000/x") == [[docker]])
    #expect(try authorities("a.com/x") == [[]])
  }

  @Test func `half a client certificate is an error`() throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write("", to: "etc/docker/certs.d/a.com/lonely.key")
    #expect(throws: ConfigurationError.self) { try endpoints(home) }
  }

  @Test func `--cert-dir is the directory itself and must exist`() throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write("", to: "home/.config/containers/certs.d/a.com/user.crt")
    let own = try home.root.write("", to: "mine/x.crt")
    let directory = home.root.appending("mine")
    #expect(try endpoints(home, ["--cert-dir", directory]).map(\.tls.additionalAuthorityFiles) == [[own]])
    #expect(throws: UserFileError.missing(path: directory + "x", option: "--cert-dir")) {
      try endpoints(home, ["--cert-dir", directory + "x"])
    }
  }

  @Test(
    arguments: [
      ([:], nil, nil), (["SSL_CERT_FILE": "/a"], "/a", nil),
      (["SSL_CERT_FILE": "/a", "NIX_SSL_CERT_FILE": "/b"], "/b", nil),
      (["SSL_CERT_FILE": "", "SSL_CERT_DIR": "/d"], nil, "/d"),
      (["SSL_CERT_FILE": "/a", "NIX_SSL_CERT_FILE": "/no-cert-file.crt"], "/a", nil),
    ] as [([String: String], String?, String?)]) func `the usual variables name the authorities`(
      variables: [String: String], file: String?, directory: String?
    ) throws
  {
    var home = try TestHome()
    defer { home.root.remove() }
    home.environment.variables.merge(variables) { $1 }
    let policy = try #require(try endpoints(home).first?.tls)
    #expect(policy.authorityFile == file)
    #expect(policy.authorityDirectory == directory)
  }

  // MARK: Credentials

  @Test func `a mirror gets its own login and never the original's`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write(
      "[[registry]]\nlocation = 'a.com'\n[[registry.mirror]]\nlocation = 'm.net'",
      to: "etc/containers/registries.conf")
    try home.writeLogin("original", to: "home/.docker/config.json")
    let found = try environment(home)
    let reference = try Reference(parsing: "a.com/x:1")
    let configuration = found.configuration(for: .pull, at: reference.domain)
    let places = try configuration.endpoints(reference)
    #expect(places.map(\.host) == ["m.net", "a.com"])
    #expect(try await configuration.credentials(places[0]) == nil)
    #expect(try await configuration.credentials(places[1]) == .basic(user: "original", password: "p"))
  }

  @Test func `--creds are for the named registry alone, and before the files`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write(
      "[[registry]]\nlocation = 'a.com'\n[[registry.mirror]]\nlocation = 'm.net'",
      to: "etc/containers/registries.conf")
    try home.writeLogin("file", to: "home/.docker/config.json")
    let reference = try Reference(parsing: "a.com/x:1")
    let configuration = try environment(home, ["--creds", "u:p:q"]).configuration(for: .pull, at: "a.com")
    let places = try configuration.endpoints(reference)
    #expect(try await configuration.credentials(places[0]) == nil)
    #expect(try await configuration.credentials(places[1]) == .basic(user: "u", password: "p:q"))
    let other = Endpoint(try Reference(parsing: "b.com/x"))
    #expect(try await configuration.credentials(other) == nil)
  }

  @Test func `--creds for Docker Hub fit all its names`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    let configuration = try environment(home, ["--creds=u:p"]).configuration(for: .push, at: "docker.io")
    #expect(try await configuration.credentials(Endpoint(try Reference(parsing: "nix"))) != nil)
  }

  @Test func `registries.conf can order the sources of logins`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write(
      "credential-helpers = ['first', 'containers-auth.json', 'last']", to: "etc/containers/registries.conf")
    try await home.keepingHelper("first")
    try await home.helper("last", #"cat > /dev/null; echo '{"Username":"last","Secret":"s"}'"#)
    try home.writeLogin("file", to: "home/.docker/config.json")
    let found = try environment(home)
    let login = { (image: String) in
      try await found.credentials(for: Endpoint(try Reference(parsing: image)), at: nil)
    }
    #expect(try await login("a.com/x") == .basic(user: "file", password: "p"))
    #expect(try await login("b.com/x") == .basic(user: "last", password: "s"))
    #expect(try home.text("first/calls") == "1 get a.com\n1 get b.com\n")
  }

  @Test func `--authfile is the only source`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write("credential-helpers = ['missing']", to: "etc/containers/registries.conf")
    try home.writeLogin("mine", to: "mine.json")
    let found = try environment(home, ["--authfile", home.root.appending("mine.json")])
    let endpoint = Endpoint(try Reference(parsing: "a.com/x"))
    #expect(try await found.credentials(for: endpoint, at: nil) == .basic(user: "mine", password: "p"))
  }

  // MARK: Options

  @Test(arguments: [
    ["--tls-verify=maybe"], ["--tls-verify"], ["--creds="], ["--creds=:p"], ["--retry=-1"], ["--retry=many"],
  ]) func `senseless options are refused`(arguments: [String]) {
    #expect(throws: (any Error).self) { try RegistryOptions.parse(arguments) }
  }

  @Test func `--retry counts the tries after the first`() throws {
    let home = try TestHome()
    defer { home.root.remove() }
    #expect(try environment(home, ["--retry=0"]).configuration(for: .pull, at: "a.com").retry.attempts == 1)
    #expect(try environment(home, ["--retry=7"]).configuration(for: .pull, at: "a.com").retry.attempts == 8)
  }
}
