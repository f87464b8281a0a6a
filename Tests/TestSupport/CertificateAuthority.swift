import Foundation

/// A private certificate authority, made by the openssl program.
public final class CertificateAuthority: Sendable {
  /// The authority's certificate in PEM form: what a client must trust.
  public let certificatePath: String
  private let keyPath: String
  private let directory: TemporaryDirectory

  /// Makes a new authority.
  public init() async throws {
    try Program.require("openssl", package: "openssl")
    directory = try TemporaryDirectory()
    certificatePath = directory.appending("ca.crt")
    keyPath = directory.appending("ca.key")
    try await Program.check(
      "openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-subj", "/CN=Cooper test authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout", keyPath, "-out", certificatePath,
      ])
  }

  /// Makes a key and a certificate for servers on 127.0.0.1 and localhost, and for clients.
  ///
  /// The files are `NAME.crt` and `NAME.key` in `directory`, where they stay as long as it does.
  public func issueCertificate(named name: String = "server", in target: TemporaryDirectory) async throws
    -> Certificate
  {
    let (request, extensions) = (target.appending("\(name).csr"), target.appending("\(name).ext"))
    let certificate = Certificate(
      chainPath: target.appending("\(name).crt"), keyPath: target.appending("\(name).key"))
    try target.write(
      "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n", to: "\(name).ext"
    )
    try await Program.check(
      "openssl",
      [
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(name)", "-keyout", certificate.keyPath,
        "-out", request,
      ])
    try await Program.check(
      "openssl",
      [
        "x509", "-req", "-in", request, "-CA", certificatePath, "-CAkey", keyPath, "-CAcreateserial",
        "-days", "30", "-extfile", extensions, "-out", certificate.chainPath,
      ])
    return certificate
  }

  /// Removes the authority's files, but not those of certificates it issued.
  public func remove() { directory.remove() }
}

/// A certificate and its private key, both in PEM form.
public struct Certificate: Sendable, Hashable {
  /// The certificate.
  public let chainPath: String
  /// The key, not encrypted.
  public let keyPath: String
}
