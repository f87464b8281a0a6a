public import HTTPTransport

/// A registry's directory of certificates: `certs.d/HOST[:PORT]`.
///
/// `*.crt` are authorities to trust besides the system's; `NAME.cert` and `NAME.key` are a client's
/// certificate and key. registry-protocol.md, section 13.
public struct CertificateDirectory: Sendable, Hashable {
  /// Files of authorities, in the order of their names.
  public let authorityFiles: [String]
  /// The client's certificate.
  ///
  /// Of several, the first by name: libcurl shows one.
  public let clientCertificate: TLSPolicy.ClientCertificate?

  /// The directories that may hold a registry's certificates; the first that exists is the only one that
  /// counts.
  ///
  /// `domain` is the registry's name as images have it, so Docker Hub's is `docker.io`; IPv6 addresses keep
  /// their brackets.
  public static func candidates(
    domain: String, home: String?, systemDirectory: String = "/etc"
  ) -> [String] {
    let domain = LoginName(domain)?.domain ?? domain
    let own = home.map { ["\($0)/.config/containers"] } ?? []
    let all = own + ["\(systemDirectory)/containers", "\(systemDirectory)/docker"]
    return all.map { "\($0)/certs.d/\(domain)" }
  }

  /// Judges a directory by the names in it.
  ///
  /// - Throws: `ConfigurationError.lonelyCertificateFile`.
  public init(path: String, names: some Sequence<String>) throws(ConfigurationError) {
    let names = Set(names)
    var authorities: [String] = []
    var pairs: [TLSPolicy.ClientCertificate] = []
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      if name.hasSuffix(".crt") {
        authorities.append("\(path)/\(name)")
      } else if name.hasSuffix(".cert") {
        let key = name.dropLast(5) + ".key"
        guard names.contains(String(key)) else {
          throw .lonelyCertificateFile(directory: path, found: name, missing: String(key))
        }
        pairs.append(.init(certificateFile: "\(path)/\(name)", keyFile: "\(path)/\(key)"))
      } else if name.hasSuffix(".key") {
        let certificate = name.dropLast(4) + ".cert"
        guard names.contains(String(certificate)) else {
          throw .lonelyCertificateFile(directory: path, found: name, missing: String(certificate))
        }
      }
    }
    authorityFiles = authorities
    clientCertificate = pairs.first
  }

  /// Adds the directory's certificates to a policy.
  public func apply(to policy: inout TLSPolicy) {
    policy.additionalAuthorityFiles += authorityFiles
    policy.clientCertificate = clientCertificate ?? policy.clientCertificate
  }
}
