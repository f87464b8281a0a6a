import Foundation
import Registry
import TestSupport
import Testing

@testable import cooper

@Suite struct LoginStoreTests {
  private func name(_ text: String) throws -> LoginName { try #require(LoginName(text)) }

  @Test func `a first login makes Docker's file, for its owner alone`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    let place = try await LoginStore(authfile: nil, environment: home.environment)
      .store(user: "u", password: "p", for: name("a.com"))
    #expect(place.path == home.root.appending("home/.docker/config.json"))
    #expect(try home.mode(of: "home/.docker/config.json") == 0o600)
    #expect(try home.mode(of: "home/.docker") == 0o700)
    #expect(try home.text("home/.docker/config.json").contains("\"auth\": \"dTpw\""))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: home.root.appending("home/.docker")) == [
        "config.json"
      ])
  }

  @Test(
    arguments: [
      (["DOCKER_CONFIG": "d"], nil, "d/config.json"),
      (["REGISTRY_AUTH_FILE": "r/auth.json", "DOCKER_CONFIG": "d"], nil, "r/auth.json"),
      (["REGISTRY_AUTH_FILE": "r/auth.json"], "x/mine.json", "x/mine.json"),
    ] as [([String: String], String?, String)]) func `the login goes where it was asked to`(
      variables: [String: String], authfile: String?, expected: String
    ) async throws
  {
    var home = try TestHome()
    defer { home.root.remove() }
    for (name, value) in variables { home.environment.variables[name] = home.root.appending(value) }
    let store = LoginStore(authfile: authfile.map(home.root.appending), environment: home.environment)
    let place = try await store.store(user: "u", password: "p", for: name("a.com"))
    #expect(place.path == home.root.appending(expected))
    #expect(home.root.contains(expected))
  }

  @Test func `an existing file keeps what is not ours, and becomes private`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    let path = try home.root.write(
      #"{"psFormat": "t", "auths": {"b.com": {"auth": "eDp5"}}}"#, to: "home/.docker/config.json")
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    _ = try await LoginStore(authfile: nil, environment: home.environment)
      .store(user: "u", password: "p", for: name("a.com"))
    let text = try home.text("home/.docker/config.json")
    #expect(text.contains("\"psFormat\": \"t\"") && text.contains("eDp5") && text.contains("dTpw"))
    #expect(try home.mode(of: "home/.docker/config.json") == 0o600)
  }

  @Test func `a symbolic link stays one`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write("{}", to: "dotfiles/docker.json")
    let link = home.root.appending("home/auth.json")
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: "../dotfiles/docker.json")
    _ = try await LoginStore(authfile: link, environment: home.environment)
      .store(user: "u", password: "p", for: name("a.com"))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "../dotfiles/docker.json")
    #expect(try home.text("dotfiles/docker.json").contains("dTpw"))
  }

  @Test func `a malformed file is left as it is`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.root.write("{oops", to: "home/.docker/config.json")
    let store = LoginStore(authfile: nil, environment: home.environment)
    await #expect(throws: ConfigurationError.self) {
      try await store.store(user: "u", password: "p", for: name("a.com"))
    }
    #expect(try home.text("home/.docker/config.json") == "{oops")
  }

  @Test func `logins stored at the same time are all kept`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    let environment = home.environment
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        group.addTask {
          let name = try #require(LoginName("r\(number).com"))
          _ = try await LoginStore(authfile: nil, environment: environment)
            .store(user: "u", password: "p", for: name)
        }
      }
      try await group.waitForAll()
    }
    let file = try LoginFile(parsing: home.root.read("home/.docker/config.json"), name: "config.json")
    #expect(Set(file.keys) == Set((0..<20).map { "r\($0).com" }))
  }

  @Test func `where a helper is configured it gets the login, and the file only a mark`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try await home.keepingHelper("box")
    try home.root.write(#"{"credHelpers": {"a.com": "box"}}"#, to: "home/.docker/config.json")
    let store = LoginStore(authfile: nil, environment: home.environment)
    let place = try await store.store(user: "u", password: "hunter2", for: name("a.com"))
    #expect(place.helper == "box")
    #expect(try !home.text("home/.docker/config.json").contains("auth\""))
    #expect(try home.text("home/.docker/config.json").contains("\"a.com\": {}"))
    #expect(
      try await store.files.login(for: name("a.com/x"))?.credentials == .basic(user: "u", password: "hunter2")
    )
    _ = try await store.store(user: "v", password: "p", for: name("b.com"))
    #expect(try home.text("home/.docker/config.json").contains("djpw"))
  }

  @Test func `the general store keeps Docker Hub under Docker's name for it`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try await home.keepingHelper("box")
    try home.root.write(#"{"credsStore": "box"}"#, to: "home/.docker/config.json")
    let store = LoginStore(authfile: nil, environment: home.environment)
    _ = try await store.store(user: "u", password: "p", for: name("docker.io"))
    #expect(try home.text("box/calls").contains(#""ServerURL":"https://index.docker.io/v1/""#))
    #expect(try await store.files.login(for: name("docker.io/library/nix"))?.credentials != nil)
  }

  @Test func `a file that would hide the new login is named`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try home.writeLogin("old", to: "run/containers/auth.json")
    let store = LoginStore(authfile: nil, environment: home.environment)
    let place = try await store.store(user: "u", password: "p", for: name("a.com"))
    #expect(
      try store.fileBefore(place, for: name("a.com")) == home.root.appending("run/containers/auth.json"))
    #expect(try store.fileBefore(place, for: name("b.com")) == nil)
  }

  @Test func `removing goes through all files and their helpers`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try await home.keepingHelper("box")
    try home.root.write(
      #"{"auths": {"a.com": {"auth": "dTpw"}, "b.com": {"auth": "dTpw"}}}"#, to: "run/containers/auth.json")
    try home.root.write(#"{"credsStore": "box"}"#, to: "home/.docker/config.json")
    let store = LoginStore(authfile: nil, environment: home.environment)
    _ = try await store.store(user: "u", password: "p", for: name("a.com"))
    let places = try await store.remove(name("a.com"))
    #expect(
      places == [
        .init(path: home.root.appending("run/containers/auth.json"), helper: nil, keys: ["a.com"]),
        .init(path: home.root.appending("home/.docker/config.json"), helper: "box", keys: ["a.com"]),
      ])
    #expect(try await store.files.login(for: name("a.com")) == nil)
    #expect(try await store.files.login(for: name("b.com")) != nil)
    #expect(try await store.remove(name("a.com")).isEmpty)
  }

  @Test func `removing all leaves the rest of the files`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    try await home.keepingHelper("box")
    try home.root.write(#"{"credsStore": "box", "x": 1}"#, to: "home/.docker/config.json")
    let store = LoginStore(authfile: nil, environment: home.environment)
    _ = try await store.store(user: "u", password: "p", for: name("a.com"))
    _ = try await store.store(user: "u", password: "p", for: name("b.com"))
    #expect(try await store.removeAll().map(\.keys) == [["a.com", "b.com"]])
    #expect(try home.text("home/.docker/config.json").contains("\"x\": 1"))
    #expect(try home.text("box/calls").hasSuffix("1 erase a.com\n1 erase b.com\n"))
    #expect(try await store.removeAll().isEmpty)
  }

  @Test func `a file without the login is not touched when removing`() async throws {
    let home = try TestHome()
    defer { home.root.remove() }
    let text = #"{ "auths":{"b.com":{}} }"#
    try home.root.write(text, to: "home/.docker/config.json")
    let store = LoginStore(authfile: nil, environment: home.environment)
    #expect(try await store.remove(name("a.com")).isEmpty)
    #expect(try home.text("home/.docker/config.json") == text)
  }

  @Test func `without a home there is nowhere to store`() async throws {
    let environment = ProcessEnvironment(variables: [:], home: nil)
    await #expect(throws: LoginError.noHome) {
      try await LoginStore(authfile: nil, environment: environment)
        .store(user: "u", password: "p", for: name("a.com"))
    }
  }
}
