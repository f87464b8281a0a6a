import Foundation
import Hashing
import TestSupport
import Testing

/// The servers of TestSupport do what the other tests take for granted; Debian's skopeo is the witness.
@Suite struct TestServersTests {
  private let image = ImageSpec(.oci, layers: [.init(Array("not a tar, which nobody minds".utf8))])

  private func skopeoCopies(_ reference: String, _ options: [String] = []) async throws -> Program.Result {
    try Program.require("skopeo", package: "skopeo")
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    return try await Program.run(
      "skopeo",
      ["--insecure-policy", "copy"] + options
        + ["docker://\(reference)", "docker-archive:\(directory.appending("out")):a:b"],
      environment: ["HOME": directory.path])
  }

  @Test func `the open registry serves what was put into its storage and writes an access log`() async throws
  {
    let registry = try await RegistryServer.start()
    defer { registry.stop() }
    let reference = try image.stored.push(to: registry, repository: "some/image", tag: "1.0")
    #expect(try await skopeoCopies(reference, ["--src-tls-verify=false"]).status == 0)
    let tags = try await Program.check("curl", ["-s", "\(registry.url)/v2/some/image/tags/list"])
    #expect(tags.text == #"{"name":"some/image","tags":["1.0"]}"#)
    let layer = Digest(of: image.layers[0].stored)
    let blob = "/v2/some/image/blobs/\(layer)"
    _ = try await Program.check("curl", ["-s", "-r", "4-", registry.url + blob])
    let requests = try await registry.requests()
    #expect(
      requests.contains {
        $0.path == blob && $0.status == 200 && $0.byteCount == image.layers[0].stored.count
      })
    #expect(
      requests.contains {
        $0.path == blob && $0.status == 206 && $0.byteCount == image.layers[0].stored.count - 4
          && $0.userAgent.hasPrefix("curl")
      })
  }

  @Test func `the registry with a password refuses others`() async throws {
    let registry = try await RegistryServer.start(.basic(user: "ann", password: "s3cret"))
    defer { registry.stop() }
    let reference = try image.stored.push(to: registry, repository: "image")
    let plain = "--src-tls-verify=false"
    #expect(try await skopeoCopies(reference, [plain, "--src-creds=ann:s3cret"]).status == 0)
    #expect(try await skopeoCopies(reference, [plain, "--src-creds=ann:wrong"]).status != 0)
    #expect(try await skopeoCopies(reference, [plain]).status != 0)
  }

  @Test func `the registry with tokens takes those of its token server for as long as they live`()
    async throws
  {
    var policy = TokenServer.Policy()
    policy.users = ["ann": "s3cret"]
    policy.allowsAnonymous = false
    let tokens = try await TokenServer.start(policy)
    defer { tokens.stop() }
    let registry = try await RegistryServer.start(.token(tokens))
    defer { registry.stop() }
    let reference = try image.stored.push(to: registry, repository: "image")
    let plain = "--src-tls-verify=false"
    #expect(try await skopeoCopies(reference, [plain]).status != 0)
    let copy = try await skopeoCopies(reference, [plain, "--src-creds=ann:s3cret"])
    #expect(copy.status == 0, "\(copy.errors) \(registry.log)")
    let scopes = tokens.requests.filter { $0.status == 200 }.compactMap { $0.fields["scope"] }
    #expect(scopes == [["repository:image:pull"]])
    tokens.policy.lifetime = 0
    #expect(try await skopeoCopies(reference, [plain, "--src-creds=ann:s3cret"]).status != 0)
  }

  @Test func `the token server answers POST with a refresh token`() async throws {
    var policy = TokenServer.Policy()
    policy.refreshToken = "again"
    let tokens = try await TokenServer.start(policy)
    defer { tokens.stop() }
    let form = "grant_type=refresh_token&service=\(tokens.service)&scope=repository:a:pull&refresh_token="
    let good = try await Program.check("curl", ["-s", "-d", form + "again", tokens.realm])
    #expect(good.text.hasPrefix(#"{"access_token":"#))
    let bad = try await Program.run("curl", ["-s", "-f", "-d", form + "wrong", tokens.realm])
    #expect(bad.status != 0)
    #expect(tokens.requests.map(\.status) == [200, 401])
  }

  @Test func `the registry with a private authority is trusted only by those who know it`() async throws {
    let authority = try await CertificateAuthority()
    defer { authority.remove() }
    let registry = try await RegistryServer.start(tls: authority)
    defer { registry.stop() }
    let reference = try image.stored.push(to: registry, repository: "image")
    let certificates = try TemporaryDirectory()
    defer { certificates.remove() }
    try certificates.write(String(contentsOfFile: authority.certificatePath, encoding: .utf8), to: "ca.crt")
    #expect(try await skopeoCopies(reference, ["--src-cert-dir", certificates.path]).status == 0)
    #expect(try await skopeoCopies(reference).status != 0)
  }

  @Test func `nginx redirects blobs to another port and logs what reaches it`() async throws {
    let registry = try await RegistryServer.start(.basic(user: "ann", password: "s3cret"))
    defer { registry.stop() }
    let redirector = try await NginxRedirector.start(
      inFrontOf: registry, authorization: "Basic YW5uOnMzY3JldA==")
    defer { redirector.stop() }
    let stored = image.stored
    try stored.push(to: registry, repository: "image")
    let copy = try await skopeoCopies(
      "\(redirector.address)/image@\(stored.digest)", ["--src-tls-verify=false", "--src-creds=ann:s3cret"])
    #expect(copy.status == 0, "\(copy.errors)")
    let requests = try await redirector.blobRequests()
    #expect(requests.count == 2)
    #expect(
      requests.allSatisfy { $0.authorization == "" && $0.status == 200 && $0.path.hasPrefix("/storage/v2/") })
  }
}
