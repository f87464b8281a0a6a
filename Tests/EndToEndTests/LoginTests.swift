import Foundation
import TestSupport
import Testing

/// The login commands, and logins, mirrors and certificates in the user's files, against real registries.
@Suite struct LoginTests {
  private let image = ImageSpec(.oci, layers: [.init(Array("nobody looks inside".utf8))])

  /// A home, a registry that wants ann's password and has `some/image:1`.
  private func withRegistry(
    _ access: RegistryServer.Access = .basic(user: "ann", password: "s3:cret"),
    tls: CertificateAuthority? = nil,
    _ body: (RegistryServer, TemporaryDirectory) async throws -> Void
  ) async throws {
    let home = try TemporaryDirectory()
    defer { home.remove() }
    let registry = try await RegistryServer.start(access, tls: tls)
    defer { registry.stop() }
    try image.stored.push(to: registry, repository: "some/image", tag: "1")
    try await body(registry, home)
  }

  private func login(
    _ registry: RegistryServer, _ home: TemporaryDirectory, password: String = "s3:cret",
    _ more: [String] = [], environment: [String: String] = [:]
  ) async throws -> Program.Result {
    try await Program.cooper(
      ["login", registry.address, "--username", "ann", "--password-stdin", "--retry=0"] + more, home: home,
      environment: environment, input: Array("\(password)\n".utf8))
  }

  private func digest(
    _ image: String, _ home: TemporaryDirectory, _ more: [String] = []
  ) async throws -> Program.Result {
    try await Program.cooper(["digest", image, "--retry=0"] + more, home: home)
  }

  @Test func `a login is tried, stored, used, shown and removed`() async throws {
    try await withRegistry { registry, home in
      let reference = "\(registry.address)/some/image:1"
      #expect(try await digest(reference, home).status == 5)
      let stored = try await login(registry, home)
      #expect(stored.status == 0, "\(stored.errors)")
      #expect(
        stored.text == "The login of ann for \(registry.address) works and is stored in "
          + "\(home.path)/.docker/config.json.")
      #expect(try await digest(reference, home).text == "\(image.stored.digest)")
      let shown = try await Program.cooper(["login", registry.address, "--get-login"], home: home)
      #expect(shown.text == "ann")
      let removed = try await Program.cooper(["logout", registry.address], home: home)
      #expect(removed.text == "Removed \(registry.address) from \(home.path)/.docker/config.json.")
      #expect(try await digest(reference, home).status == 5)
      #expect(try await Program.cooper(["logout", registry.address], home: home).status == 4)
      #expect(try await Program.cooper(["login", registry.address, "--get-login"], home: home).status == 4)
    }
  }

  @Test func `a wrong password is denied and not stored`() async throws {
    try await withRegistry { registry, home in
      let result = try await login(registry, home, password: "wrong-hunter2")
      #expect(result.status == 5, "\(result.errors)")
      #expect(!result.errors.contains("hunter2"))
      #expect(try home.names() == [])
    }
  }

  @Test func `a registry with tokens tries the login too`() async throws {
    var policy = TokenServer.Policy()
    policy.users = ["ann": "s3:cret"]
    let tokens = try await TokenServer.start(policy)
    defer { tokens.stop() }
    try await withRegistry(.token(tokens)) { registry, home in
      #expect(try await login(registry, home, password: "wrong").status == 5)
      #expect(!home.contains(".docker"))
      let stored = try await login(registry, home)
      #expect(stored.status == 0, "\(stored.errors)")
      #expect(try await digest("\(registry.address)/some/image:1", home).status == 0)
    }
  }

  @Test func `an open registry says nothing of the login, and so does the report`() async throws {
    try await withRegistry(.open) { registry, home in
      let result = try await login(registry, home, ["--json"])
      #expect(result.text.contains("\"accepted\": false"), "\(result.errors)")
    }
  }

  @Test func `no login is stored when nobody answers`() async throws {
    let home = try TemporaryDirectory()
    defer { home.remove() }
    let result = try await Program.cooper(
      ["login", "127.0.0.1:\(try Port.free())", "--username=u", "--password-stdin", "--retry=0"], home: home,
      input: Array("p".utf8))
    #expect(result.status == 1)
    #expect(try home.names() == [])
  }

  @Test(arguments: [
    ["login", "a.com"], ["login", "a.com", "--password-stdin"], ["login", "not a host", "--username=u"],
    ["logout", "a.com", "--all"], ["login", "a.com", "--creds=u:p"],
  ]) func `wrong use ends with status 2`(arguments: [String]) async throws {
    let home = try TemporaryDirectory()
    defer { home.remove() }
    #expect(try await Program.cooper(arguments, home: home).status == 2)
  }

  // MARK: With skopeo

  @Test func `skopeo uses what cooper stored`() async throws {
    try Program.require("skopeo", package: "skopeo")
    try await withRegistry { registry, home in
      #expect(try await login(registry, home).status == 0)
      let seen = try await Program.run(
        "skopeo",
        ["inspect", "--raw", "--tls-verify=false", "docker://\(registry.address)/some/image:1"],
        environment: ["HOME": home.path])
      #expect(seen.status == 0, "\(seen.errors)")
    }
  }

  @Test func `cooper uses, replaces and removes what skopeo stored`() async throws {
    try Program.require("skopeo", package: "skopeo")
    try await withRegistry { registry, home in
      let file = home.appending("auth.json")
      try await Program.check(
        "skopeo",
        [
          "login", "--tls-verify=false", "--authfile", file, "-u", "ann", "--password-stdin",
          registry.address,
        ],
        environment: ["HOME": home.path], input: Array("s3:cret".utf8))
      let authfile = ["--authfile", file]
      #expect(try await digest("\(registry.address)/some/image:1", home, authfile).status == 0)
      #expect(try await login(registry, home, authfile).status == 0)
      let user = try await Program.check(
        "skopeo", ["login", "--get-login", "--authfile", file, registry.address],
        environment: ["HOME": home.path])
      #expect(user.text == "ann")
      try await Program.check("skopeo", ["logout", "--authfile", file, registry.address])
      #expect(try await digest("\(registry.address)/some/image:1", home, authfile).status == 5)
    }
  }

  // MARK: Helpers, mirrors, certificates

  @Test func `a credential helper keeps the login and its secret is in no file of ours`() async throws {
    try await withRegistry { registry, home in
      try await home.writeProgram(
        """
        #!/bin/sh
        case $1 in
        store) cat > "$HOME/kept" ;;
        get) cat > /dev/null; cat "$HOME/kept" ;;
        esac
        """, to: "bin/docker-credential-shelf")
      try home.write(#"{"credsStore": "shelf"}"#, to: ".docker/config.json")
      let path = ["PATH": "\(home.path)/bin:/usr/bin:/bin"]
      let stored = try await login(registry, home, environment: path)
      #expect(stored.text.hasSuffix("is stored in the credential helper shelf."), "\(stored.errors)")
      #expect(!String(decoding: try home.read(".docker/config.json"), as: UTF8.self).contains("\"auth\""))
      let used = try await Program.cooper(
        ["digest", "\(registry.address)/some/image:1"], home: home, environment: path)
      #expect(used.status == 0, "\(used.errors)")
    }
  }

  /// The registry's name leads nowhere; only the mirror has the image.
  @Test func `a mirror of registries.conf serves the image, for cooper as for skopeo`() async throws {
    try Program.require("skopeo", package: "skopeo")
    try await withRegistry(.open) { registry, home in
      let configuration = try home.write(
        """
        [[registry]]
        prefix = "registry.invalid/team"
        location = "127.0.0.1:1/team"
        insecure = true
        [[registry.mirror]]
        location = "\(registry.address)/some"
        insecure = true
        """, to: ".config/containers/registries.conf")
      let reference = "registry.invalid/team/image:1"
      let found = try await digest(reference, home)
      #expect(found.text == "\(image.stored.digest)", "\(found.errors)")
      let seen = try await Program.run(
        "skopeo",
        ["--registries-conf", configuration, "inspect", "--raw", "docker://\(reference)"],
        environment: ["HOME": home.path])
      #expect(seen.status == 0, "\(seen.errors)")
    }
  }

  @Test func `a blocked registry is not asked`() async throws {
    try await withRegistry(.open) { registry, home in
      try home.write(
        "[[registry]]\nlocation = \"\(registry.address)\"\nblocked = true",
        to: ".config/containers/registries.conf")
      let result = try await digest("\(registry.address)/some/image:1", home)
      #expect(result.status != 0)
      #expect(result.errors.contains("registries.conf blocks \(registry.address)"))
      #expect(try await registry.requests().isEmpty)
    }
  }

  @Test func `an authority in certs.d or --cert-dir is trusted, and none otherwise`() async throws {
    let authority = try await CertificateAuthority()
    defer { authority.remove() }
    let certificate = try Data(contentsOf: URL(fileURLWithPath: authority.certificatePath))
    try await withRegistry(.open, tls: authority) { registry, home in
      let reference = "\(registry.address)/some/image:1"
      #expect(try await digest(reference, home).status != 0)
      try home.write(certificate, to: "mine/ca.crt")
      #expect(try await digest(reference, home, ["--cert-dir", home.appending("mine")]).status == 0)
      #expect(try await digest(reference, home, ["--tls-verify=false"]).status == 0)
      try home.write(certificate, to: ".config/containers/certs.d/\(registry.address)/ca.crt")
      #expect(try await digest(reference, home).status == 0)
    }
  }
}
