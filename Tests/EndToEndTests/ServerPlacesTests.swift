import Foundation
import Hashing
import TestSupport
import Testing

/// Registries behind TLS, behind nginx, and with mirrors.
@Suite struct ServerPlacesTests {
  private func expectSuccess(_ outcome: Workplace.Outcome) async throws {
    #expect(outcome.status == 0, "\(outcome.errors)")
    let archive = try await Sample.archive
    #expect(outcome.archive == archive)
  }

  // MARK: TLS

  /// How a user tells whom to trust.
  enum Trust: String, CaseIterable, Sendable {
    case option, containersDirectory, variable, nixVariable, none
  }

  @Test(arguments: Trust.allCases)
  func `a private authority is trusted where the user says so`(trust: Trust) async throws {
    let authority = try await CertificateAuthority()
    defer { authority.remove() }
    let registry = try await RegistryServer.start(tls: authority)
    defer { registry.stop() }
    let reference = try Sample.image.push(to: registry, repository: "image")
    let place = try Workplace()
    defer { place.remove() }
    let certificate = try Data(contentsOf: URL(fileURLWithPath: authority.certificatePath))
    let refused = try await place.pull(reference, ["--tls-verify=true"])
    #expect(refused.status == 1 && refused.leftNothing)
    #expect(refused.errors.contains("certificate"), "\(refused.errors)")
    switch trust {
    case .option:
      try place.home.write(certificate, to: "mine/ca.crt")
      try await expectSuccess(place.pull(reference, ["--cert-dir", place.home.appending("mine")]))
    case .containersDirectory:
      try place.home.write(certificate, to: ".config/containers/certs.d/\(registry.address)/ca.crt")
      try await expectSuccess(place.pull(reference))
    case .variable:
      try await expectSuccess(
        place.pull(
          reference, environment: ["SSL_CERT_FILE": authority.certificatePath, "NIX_SSL_CERT_FILE": ""]))
    case .nixVariable:
      try await expectSuccess(
        place.pull(reference, environment: ["NIX_SSL_CERT_FILE": authority.certificatePath]))
    case .none: try await expectSuccess(place.pull(reference, ["--tls-verify=false"]))
    }
  }

  @Test func `another authority than the right one is not enough`() async throws {
    let (authority, other) = (try await CertificateAuthority(), try await CertificateAuthority())
    defer {
      authority.remove()
      other.remove()
    }
    let registry = try await RegistryServer.start(tls: authority)
    defer { registry.stop() }
    let reference = try Sample.image.push(to: registry, repository: "image")
    let place = try Workplace()
    defer { place.remove() }
    try place.home.write(Data(contentsOf: URL(fileURLWithPath: other.certificatePath)), to: "mine/ca.crt")
    let outcome = try await place.pull(reference, ["--cert-dir", place.home.appending("mine")])
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(outcome.errors.contains("certificate"))
  }

  @Test func `no password is sent in the clear to a registry that must have a certificate`() async throws {
    let registry = try MemoryRegistry(Sample.image) { _, _, _ in
      ScriptedReply.status(401).header("WWW-Authenticate", "Basic realm=\"here\"")
    }
    defer { registry.stop() }
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(
      registry.reference, ["--tls-verify=true", "--creds", "ann:s3cret", "--retry", "0"])
    #expect(outcome.status == 1 && outcome.leftNothing)
    #expect(registry.server.requests.isEmpty)
  }

  // MARK: Storage behind a redirect

  @Test func `blobs on another port get no credentials, and their addresses are not shown`() async throws {
    let registry = try await RegistryServer.start(.basic(user: "ann", password: "s3cret"))
    defer { registry.stop() }
    let redirector = try await NginxRedirector.start(
      inFrontOf: registry, authorization: "Basic YW5uOnMzY3JldA==")
    defer { redirector.stop() }
    try Sample.image.push(to: registry, repository: "image")
    let place = try Workplace()
    defer { place.remove() }
    let outcome = try await place.pull(
      "\(redirector.address)/image@\(Sample.image.digest)", ["--creds", "ann:s3cret"])
    try await expectSuccess(outcome)
    let requests = try await redirector.blobRequests()
    #expect(requests.count == 3)
    #expect(requests.allSatisfy { $0.authorization == "" && $0.status == 200 })
    #expect(!outcome.errors.contains("signature=secret"))
  }

  // MARK: Mirrors

  private func configuration(
    _ place: Workplace, of registry: String, mirrors: [String]
  ) throws -> [String: String] {
    let text =
      "[[registry]]\nlocation = \"\(registry)\"\ninsecure = true\n"
      + mirrors.map { "[[registry.mirror]]\nlocation = \"\($0)\"\ninsecure = true\n" }.joined()
    return ["CONTAINERS_REGISTRIES_CONF": try place.home.write(text, to: "registries.conf")]
  }

  @Test func `a mirror is asked first, and the registry for what the mirror lacks`() async throws {
    let registry = try MemoryRegistry(Sample.image)
    let mirror = try MemoryRegistry(Sample.image) { request, _, reply in
      request.path == MemoryRegistry.blobPath(Sample.secondLayer) ? .status(404) : reply
    }
    defer {
      registry.stop()
      mirror.stop()
    }
    let place = try Workplace()
    defer { place.remove() }
    let environment = try configuration(
      place, of: "127.0.0.1:\(registry.server.port)", mirrors: ["127.0.0.1:\(mirror.server.port)"])
    try await expectSuccess(place.pull(registry.reference, environment: environment))
    #expect(registry.server.requests.map(\.path) == [MemoryRegistry.blobPath(Sample.secondLayer)])
    #expect(mirror.server.requests.count == 4)
  }

  @Test func `a mirror that is down, wrong or broken does no harm`() async throws {
    let registry = try MemoryRegistry(Sample.image)
    let liar = try MemoryRegistry(Sample.image) { _, _, _ in .ok("{}", ["Content-Type": "application/json"]) }
    let broken = try MemoryRegistry(Sample.image) { _, _, _ in .status(500) }
    defer { for server in [registry, liar, broken] { server.stop() } }
    let place = try Workplace()
    defer { place.remove() }
    let environment = try configuration(
      place, of: "127.0.0.1:\(registry.server.port)",
      mirrors: [
        "127.0.0.1:\(try Port.free())", "127.0.0.1:\(liar.server.port)", "127.0.0.1:\(broken.server.port)",
      ])
    try await expectSuccess(place.pull(registry.reference, environment: environment))
    #expect(!liar.server.requests.isEmpty && !broken.server.requests.isEmpty)
  }

  @Test func `a mirror gets its own login, not the registry's`() async throws {
    let registry = try MemoryRegistry(Sample.image) { request, _, reply in
      request.header("authorization") == "Basic YW5uOnMzY3JldA=="
        ? reply : ScriptedReply.status(401).header("WWW-Authenticate", "Basic realm=\"here\"")
    }
    let mirror = try MemoryRegistry(Sample.image) { _, _, _ in
      ScriptedReply.status(401).header("WWW-Authenticate", "Basic realm=\"there\"")
    }
    defer {
      registry.stop()
      mirror.stop()
    }
    let place = try Workplace()
    defer { place.remove() }
    let address = "127.0.0.1:\(registry.server.port)"
    try place.home.write(
      #"{"auths":{"\#(address)":{"auth":"YW5uOnMzY3JldA=="}}}"#, to: ".docker/config.json")
    let environment = try configuration(place, of: address, mirrors: ["127.0.0.1:\(mirror.server.port)"])
    try await expectSuccess(place.pull(registry.reference, environment: environment))
    #expect(!mirror.server.requests.isEmpty)
    #expect(mirror.server.requests.allSatisfy { $0.header("authorization") == nil })
    place.directory.remove()
    let option = try Workplace()
    defer { option.remove() }
    try await expectSuccess(
      option.pull(registry.reference, ["--creds", "ann:s3cret"], environment: environment))
    #expect(mirror.server.requests.allSatisfy { $0.header("authorization") == nil })
  }

  @Test func `a registries_conf that is wrong is named with its line`() async throws {
    let place = try Workplace()
    defer { place.remove() }
    let file = try place.home.write("[[registry]]\nlocation = \n", to: "registries.conf")
    let outcome = try await place.pull(
      "127.0.0.1:1/image@\(Sample.image.digest)", environment: ["CONTAINERS_REGISTRIES_CONF": file])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains(file) && outcome.errors.contains("2"))
  }
}
