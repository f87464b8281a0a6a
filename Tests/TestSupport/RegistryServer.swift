import Foundation

/// Debian's docker-registry on a free port of 127.0.0.1, with an empty storage directory of its own.
///
/// Write `defer { registry.stop() }` after starting one: that also keeps it alive until the end of the test.
public final class RegistryServer: Sendable {
  /// Who may read and write.
  public enum Access: Sendable {
    /// Everybody, without asking.
    case open
    /// Only this user, by Basic authentication.
    case basic(user: String, password: String)
    /// Holders of a token that this server gives out.
    case token(TokenServer)
  }

  /// One line of the server's access log.
  ///
  /// It is written when the response is complete, or when the client has gone away.
  public struct Request: Sendable, Hashable {
    /// `GET`, `HEAD` and so on.
    public let method: String
    /// Path and query.
    public let path: String
    /// The status of the response; 206 means that a Range was asked for and given.
    public let status: Int
    /// The bytes of the response's body that were handed to the connection.
    public let byteCount: Int
    /// The client's name.
    public let userAgent: String
  }

  /// The port on 127.0.0.1.
  public let port: Int
  /// `127.0.0.1:PORT`, the host part of a reference.
  public var address: String { "127.0.0.1:\(port)" }
  /// `http://127.0.0.1:PORT`, or with `https`.
  public var url: String { "\(usesTLS ? "https" : "http")://\(address)" }

  let storage: RegistryStorage
  private let usesTLS: Bool
  private let directory: TemporaryDirectory
  private let server: ServerProcess

  /// Starts a registry.
  ///
  /// - Parameters:
  ///   - access: who may use it.
  ///   - tls: makes the server speak HTTPS with a certificate for 127.0.0.1 and localhost from this authority.
  public static func start(_ access: Access = .open, tls: CertificateAuthority? = nil) async throws
    -> RegistryServer
  {
    try Program.require("docker-registry", package: "docker-registry")
    let directory = try TemporaryDirectory()
    let certificate = try await tls?.issueCertificate(in: directory)
    let authentication = try await authentication(for: access, in: directory)
    // Another program may take the port between the choice and the start.
    for attempt in 1... {
      let port = try Port.free()
      let text = configuration(port, directory, authentication, certificate)
      let file = try directory.write(text, to: "config.yml")
      do {
        let server = try await ServerProcess.start(
          "docker-registry", package: "docker-registry", arguments: ["serve", file], port: port,
          log: directory.appending("log"))
        return RegistryServer(port: port, usesTLS: tls != nil, directory: directory, server: server)
      } catch  where attempt < 3 { continue }
    }
    preconditionFailure("the loop ends by returning or throwing")
  }

  private init(port: Int, usesTLS: Bool, directory: TemporaryDirectory, server: ServerProcess) {
    self.port = port
    self.usesTLS = usesTLS
    self.directory = directory
    self.server = server
    storage = RegistryStorage(root: directory.appending("storage"))
  }

  /// Stops the server and removes its storage.
  ///
  /// A second call does nothing.
  public func stop() {
    server.stop()
    directory.remove()
  }

  /// The requests so far, in the order in which their responses ended, after the log has been quiet for a moment.
  public func requests() async throws -> [Request] {
    var before = ""
    var log = server.log
    while log != before {
      try await Task.sleep(for: .milliseconds(50))
      before = log
      log = server.log
    }
    return log.split(separator: "\n").compactMap(Request.init(logLine:))
  }

  /// Everything the server has written, for messages about a test that failed.
  public var log: String { server.log }

  private static func authentication(for access: Access, in directory: TemporaryDirectory) async throws
    -> String
  {
    switch access {
    case .open: return ""
    case .basic(let user, let password):
      try Program.require("htpasswd", package: "apache2-utils")
      let line = try await Program.check("htpasswd", ["-Bbn", user, password])
      let file = try directory.write(line.text + "\n", to: "htpasswd")
      return "auth: {htpasswd: {realm: cooper-test, path: \(file)}}"
    case .token(let tokens):
      return """
        auth:
          token:
            realm: \(tokens.realm)
            service: \(tokens.service)
            issuer: \(tokens.issuer)
            rootcertbundle: \(tokens.certificateBundle)
        """
    }
  }

  private static func configuration(
    _ port: Int, _ directory: TemporaryDirectory, _ authentication: String, _ certificate: Certificate?
  ) -> String {
    let tls = certificate.map { "tls: {certificate: \($0.chainPath), key: \($0.keyPath)}" } ?? ""
    return """
      version: 0.1
      log: {level: info, accesslog: {disabled: false}}
      storage:
        filesystem: {rootdirectory: \(directory.appending("storage"))}
        delete: {enabled: true}
      http:
        addr: 127.0.0.1:\(port)
        secret: not-a-secret
        \(tls)
      validation: {manifests: {urls: {allow: ['.*']}}}
      \(authentication)
      """
  }
}

extension RegistryServer.Request {
  /// Reads a line of the "combined" log format; nil for the server's other messages.
  init?(logLine: some StringProtocol) {
    let parts = String(logLine).split(separator: "\"", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 7, parts[0].hasSuffix("] ") else { return nil }
    let request = parts[1].split(separator: " ")
    let result = parts[2].split(separator: " ")
    guard request.count == 3, result.count == 2, let status = Int(result[0]), let count = Int(result[1])
    else { return nil }
    self.init(
      method: String(request[0]), path: String(request[1]), status: status, byteCount: count,
      userAgent: parts[5])
  }
}
