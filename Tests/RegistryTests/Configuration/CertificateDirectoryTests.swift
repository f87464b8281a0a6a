import HTTPTransport
import Testing

@testable import Registry

@Suite struct CertificateDirectoryTests {
  @Test func `authorities and the client's pair are found by their endings`() throws {
    let directory = try CertificateDirectory(
      path: "/d", names: ["z.crt", "client.key", "README", "a.crt", "client.cert", "x.pem", "crt"])
    #expect(directory.authorityFiles == ["/d/a.crt", "/d/z.crt"])
    #expect(
      directory.clientCertificate
        == TLSPolicy.ClientCertificate(certificateFile: "/d/client.cert", keyFile: "/d/client.key"))
  }

  @Test func `of several pairs the first by name is shown`() throws {
    let directory = try CertificateDirectory(path: "/d", names: ["b.key", "b.cert", "a.cert", "a.key"])
    #expect(directory.clientCertificate?.certificateFile == "/d/a.cert")
  }

  @Test(arguments: [
    (["a.cert"], "a.cert", "a.key"), (["a.key"], "a.key", "a.cert"),
    (["a.cert", "b.key"], "a.cert", "a.key"), (["a.cert", "a.key", "b.key", "c.crt"], "b.key", "b.cert"),
  ]) func `half a pair is refused`(names: [String], found: String, missing: String) {
    #expect(
      throws: ConfigurationError.lonelyCertificateFile(directory: "/d", found: found, missing: missing)
    ) { try CertificateDirectory(path: "/d", names: names) }
  }

  @Test func `an empty directory changes nothing`() throws {
    var policy = TLSPolicy()
    policy.authorityFile = "/ca.pem"
    let before = policy
    try CertificateDirectory(path: "/d", names: []).apply(to: &policy)
    #expect(policy == before)
  }

  @Test func `certificates are added to what is trusted already`() throws {
    var policy = TLSPolicy()
    policy.authorityFile = "/ca.pem"
    policy.additionalAuthorityFiles = ["/first.crt"]
    try CertificateDirectory(path: "/d", names: ["a.crt"]).apply(to: &policy)
    #expect(policy.additionalAuthorityFiles == ["/first.crt", "/d/a.crt"])
    #expect(policy.authorityFile == "/ca.pem")
  }

  @Test(arguments: [
    ("quay.io", "quay.io"), ("localhost:5000", "localhost:5000"), ("[::1]:5000", "[::1]:5000"),
    ("docker.io", "docker.io"), ("registry-1.docker.io", "docker.io"),
  ]) func `the user's directory comes before the machine's`(domain: String, directory: String) {
    #expect(
      CertificateDirectory.candidates(domain: domain, home: "/home/u") == [
        "/home/u/.config/containers/certs.d/\(directory)", "/etc/containers/certs.d/\(directory)",
        "/etc/docker/certs.d/\(directory)",
      ])
    #expect(CertificateDirectory.candidates(domain: domain, home: nil).count == 2)
  }
}
