import Foundation
import Hashing
import TestSupport
import Testing

/// Pulls from Debian's docker-registry with passwords and tokens.
@Suite struct AuthenticationTests {
  private static let password = "s3cret/of:ann"
  private static let wrongPassword = "another-s3cret"

  /// `user:password` as it stands in login files.
  private static func encoded(_ password: String) -> String {
    Data("ann:\(password)".utf8).base64EncodedString()
  }

  private static func loginFile(_ registry: String, _ password: String = password) -> String {
    #"{"auths":{"\#(registry)":{"auth":"\#(encoded(password))"}}}"#
  }

  private func expectSuccess(_ outcome: Workplace.Outcome, log: String = "") async throws {
    #expect(outcome.status == 0, "\(outcome.errors) \(log)")
    let archive = try await Sample.archive
    #expect(outcome.archive == archive)
    expectNoSecrets(outcome)
  }

  private func expectDenial(_ outcome: Workplace.Outcome) {
    #expect(outcome.status == 5, "\(outcome.errors)")
    #expect(outcome.leftNothing)
    expectNoSecrets(outcome)
  }

  private func expectNoSecrets(_ outcome: Workplace.Outcome) {
    for secret in [
      Self.password, Self.wrongPassword, Self.encoded(Self.password), Self.encoded(Self.wrongPassword),
      "identity-s3cret", "eyJ",
    ] {
      #expect(!outcome.errors.contains(secret), "“\(secret)” is in: \(outcome.errors)")
    }
  }

  // MARK: Passwords

  /// Where a login may be.
  enum Source: String, CaseIterable, Sendable {
    case dockerConfig, dockerConfigVariable, authFileVariable, authFileOption, userAuthFile, runtimeAuthFile,
      option, credHelpers, credsStore
  }

  /// Puts the login for `registry` where `source` says; gives the options and variables that point to it.
  private func install(_ source: Source, _ registry: String, in home: TemporaryDirectory) async throws -> (
    options: [String], environment: [String: String]
  ) {
    let file = Self.loginFile(registry)
    switch source {
    case .dockerConfig: try home.write(file, to: ".docker/config.json")
    case .dockerConfigVariable:
      try home.write(file, to: "elsewhere/config.json")
      return ([], ["DOCKER_CONFIG": home.appending("elsewhere")])
    case .authFileVariable: return ([], ["REGISTRY_AUTH_FILE": try home.write(file, to: "a.json")])
    case .authFileOption: return (["--authfile", try home.write(file, to: "b.json")], [:])
    case .userAuthFile: try home.write(file, to: ".config/containers/auth.json")
    case .runtimeAuthFile:
      try home.write(file, to: "run/containers/auth.json")
      return ([], ["XDG_RUNTIME_DIR": home.appending("run")])
    case .option: return (["--creds", "ann:\(Self.password)"], [:])
    case .credHelpers, .credsStore:
      let text =
        source == .credsStore ? #"{"credsStore":"shelf"}"# : #"{"credHelpers":{"\#(registry)":"shelf"}}"#
      try home.write(text, to: ".docker/config.json")
      try await home.writeProgram(
        """
        #!/bin/sh
        read -r server
        [ "$1" = get ] && [ "$server" = "\(registry)" ] || { echo "credentials not found in native keychain"; exit 1; }
        printf '{"ServerURL":"%s","Username":"ann","Secret":"\(Self.password)"}' "$server"
        """, to: "bin/docker-credential-shelf")
      return ([], ["PATH": "\(home.path)/bin:/usr/bin:/bin"])
    }
    return ([], [:])
  }

  @Test(arguments: Source.allCases)
  func `a password is found wherever users keep it`(source: Source) async throws {
    let registry = try await RegistryServer.start(.basic(user: "ann", password: Self.password))
    defer { registry.stop() }
    let reference = try Sample.image.push(to: registry, repository: "image")
    let place = try Workplace()
    defer { place.remove() }
    let (options, environment) = try await install(source, registry.address, in: place.home)
    try await expectSuccess(place.pull(reference, options, environment: environment), log: registry.log)
  }

  @Test func `a wrong password and none are both denied`() async throws {
    let registry = try await RegistryServer.start(.basic(user: "ann", password: Self.password))
    defer { registry.stop() }
    let reference = try Sample.image.push(to: registry, repository: "image")
    let place = try Workplace()
    defer { place.remove() }
    try await expectDenial(place.pull(reference))
    try await expectDenial(place.pull(reference, ["--creds", "ann:\(Self.wrongPassword)"]))
    try place.home.write(Self.loginFile(registry.address, Self.wrongPassword), to: ".docker/config.json")
    try await expectDenial(place.pull(reference))
    // Another registry's login is not tried here.
    try place.home.write(Self.loginFile("127.0.0.1:1"), to: ".docker/config.json")
    try await expectDenial(place.pull(reference))
  }

  @Test func `a login file that cannot be read is named`() async throws {
    let registry = try await RegistryServer.start(.basic(user: "ann", password: Self.password))
    defer { registry.stop() }
    let reference = try Sample.image.push(to: registry, repository: "image")
    let place = try Workplace()
    defer { place.remove() }
    let file = try place.home.write(#"{"auths": {"#, to: ".docker/config.json")
    let broken = try await place.pull(reference)
    #expect(broken.status == 1 && broken.leftNothing)
    #expect(broken.errors.contains(file))
    let missing = try await place.pull(reference, ["--authfile", "/nowhere/auth.json"])
    #expect(missing.status != 0 && missing.errors.contains("/nowhere/auth.json"))
  }

  @Test func `a credential helper that fails is named, without what it was told`() async throws {
    let registry = try await RegistryServer.start(.basic(user: "ann", password: Self.password))
    defer { registry.stop() }
    let reference = try Sample.image.push(to: registry, repository: "image")
    let place = try Workplace()
    defer { place.remove() }
    try place.home.write(#"{"credsStore":"shelf"}"#, to: ".docker/config.json")
    try await place.home.writeProgram(
      "#!/bin/sh\necho the keyring is locked >&2; exit 1\n", to: "bin/docker-credential-shelf")
    let failed = try await place.pull(
      reference, environment: ["PATH": "\(place.home.path)/bin:/usr/bin:/bin"])
    #expect(failed.status == 1 && failed.leftNothing)
    #expect(
      failed.errors.contains("docker-credential-shelf") && failed.errors.contains("the keyring is locked"))
    let absent = try await place.pull(reference)
    #expect(absent.status == 1 && absent.errors.contains("docker-credential-shelf"))
  }

  // MARK: Tokens

  private func withTokens(
    _ change: (inout TokenServer.Policy) -> Void,
    _ body: (TokenServer, RegistryServer, String, Workplace) async throws -> Void
  ) async throws {
    var policy = TokenServer.Policy()
    change(&policy)
    let tokens = try await TokenServer.start(policy)
    defer { tokens.stop() }
    let registry = try await RegistryServer.start(.token(tokens))
    defer { registry.stop() }
    let reference = try Sample.image.push(to: registry, repository: "team/image")
    let place = try Workplace()
    defer { place.remove() }
    try await body(tokens, registry, reference, place)
  }

  @Test(arguments: ["token", "access_token"])
  func `a token for everybody is fetched once, for the repository`(member: String) async throws {
    try await withTokens({ $0.tokenMember = member }) { tokens, registry, reference, place in
      try await expectSuccess(place.pull(reference), log: registry.log)
      #expect(tokens.requests.map(\.method) == ["GET"])
      #expect(tokens.requests.first?.fields["scope"] == ["repository:team/image:pull"])
      #expect(tokens.requests.first?.fields["service"] == [tokens.service])
      #expect(tokens.requests.first?.authorization == nil)
    }
  }

  @Test func `a password is shown to the token server, and not to the registry`() async throws {
    try await withTokens({
      $0.users = ["ann": Self.password]
      $0.allowsAnonymous = false
    }) { tokens, registry, reference, place in
      try place.home.write(Self.loginFile(registry.address), to: ".docker/config.json")
      try await expectSuccess(place.pull(reference), log: registry.log)
      #expect(tokens.requests.map(\.authorization) == ["Basic \(Self.encoded(Self.password))"])
      #expect(tokens.requests.first?.fields["account"] == ["ann"])
    }
  }

  @Test func `a wrong password and none are both denied by the token server`() async throws {
    try await withTokens({
      $0.users = ["ann": Self.password]
      $0.allowsAnonymous = false
    }) { _, registry, reference, place in
      try await expectDenial(place.pull(reference))
      try await expectDenial(place.pull(reference, ["--creds", "ann:\(Self.wrongPassword)"]))
    }
  }

  @Test func `a wrong password does not stand in the way of a public image`() async throws {
    try await withTokens({ $0.users = ["ann": Self.password] }) { tokens, registry, reference, place in
      let outcome = try await place.pull(reference, ["--creds", "ann:\(Self.wrongPassword)"])
      try await expectSuccess(outcome, log: registry.log)
      #expect(tokens.requests.map(\.status) == [401, 200])
      #expect(outcome.errors.contains("credentials"), "that it went on without is said")
    }
  }

  @Test func `an identity token is exchanged by POST`() async throws {
    try await withTokens({
      $0.refreshToken = "identity-s3cret"
      $0.allowsAnonymous = false
    }) { tokens, registry, reference, place in
      try place.home.write(
        #"{"auths":{"\#(registry.address)":{"auth":"PHRva2VuPjo=","identitytoken":"identity-s3cret"}}}"#,
        to: ".docker/config.json")
      try await expectSuccess(place.pull(reference), log: registry.log)
      let request = try #require(tokens.requests.first)
      #expect(tokens.requests.count == 1)
      #expect(request.method == "POST" && request.authorization == nil)
      #expect(request.fields["grant_type"] == ["refresh_token"])
      #expect(request.fields["refresh_token"] == ["identity-s3cret"])
      #expect(request.fields["scope"] == ["repository:team/image:pull"])
    }
  }

  @Test func `an identity token that is wrong is denied`() async throws {
    try await withTokens({
      $0.refreshToken = "identity-s3cret"
      $0.allowsAnonymous = false
    }) { _, registry, reference, place in
      try place.home.write(
        #"{"auths":{"\#(registry.address)":{"identitytoken":"identity-s3cret-of-old"}}}"#,
        to: ".docker/config.json")
      try await expectDenial(place.pull(reference))
    }
  }

  @Test func `a token that docker-registry finds expired between two blobs is replaced`() async throws {
    try await withTokens({ $0.lifetime = 12 }) { tokens, registry, reference, place in
      // Long enough for the second token to be used in time on a busy machine.
      // The second layer's first request reaches the registry when its token has expired.
      let front = try Front(registry) { request, count in
        request.path.hasSuffix("/\(Sample.secondLayer)") && count == 0 ? .seconds(15) : .zero
      }
      defer { front.stop() }
      let throughFront = reference.replacingOccurrences(of: registry.address, with: front.address)
      try await expectSuccess(place.pull(throughFront), log: registry.log)
      let statuses = try await registry.requests().filter { $0.path.hasSuffix("/\(Sample.secondLayer)") }.map(
        \.status)
      #expect(statuses == [401, 200])
      // One more when the machine is so busy that the first expires before it is used.
      #expect(tokens.requests.count >= 2)
    }
  }
}
