import Foundation

/// Makes the JSON web tokens that docker-registry accepts, signing them with the openssl program.
struct TokenSigner: Sendable {
  /// What a token says.
  struct Claims: Sendable {
    let issuer: String
    let subject: String
    let audience: String
    /// `repository:NAME:ACTIONS` each.
    let scopes: [String]
    /// For how many seconds docker-registry will accept the token.
    let lifetime: Int
  }

  /// docker-registry accepts tokens up to a minute after their end.
  private static let leeway = 60

  private let keyPath: String
  private let certificate: String

  init(_ certificate: Certificate) throws {
    keyPath = certificate.keyPath
    let pem = try String(contentsOfFile: certificate.chainPath, encoding: .utf8)
    self.certificate = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
  }

  func sign(_ claims: Claims) async throws -> String {
    let header: [String: Any] = ["typ": "JWT", "alg": "RS256", "x5c": [certificate]]
    let now = Int(Date().timeIntervalSince1970)
    let payload: [String: Any] = [
      "iss": claims.issuer, "sub": claims.subject, "aud": claims.audience, "jti": UUID().uuidString,
      "iat": now, "nbf": now - 3600, "exp": now + claims.lifetime - Self.leeway,
      "access": claims.scopes.compactMap(Self.access),
    ]
    let signed = try Self.encode(header) + "." + Self.encode(payload)
    let signature = try await Program.check(
      "openssl", ["dgst", "-sha256", "-sign", keyPath, "-binary"], input: Array(signed.utf8))
    return signed + "." + Self.base64(Data(signature.output))
  }

  private static func access(_ scope: String) -> [String: Any]? {
    // The name may hold colons (a port), the type and the actions do not.
    guard let first = scope.firstIndex(of: ":"), let last = scope.lastIndex(of: ":"), first < last else {
      return nil
    }
    let actions = scope[scope.index(after: last)...].split(separator: ",").map(String.init)
    return [
      "type": String(scope[..<first]), "name": String(scope[scope.index(after: first)..<last]),
      "actions": actions,
    ]
  }

  private static func encode(_ object: [String: Any]) throws -> String {
    base64(try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys]))
  }

  private static func base64(_ data: Data) -> String {
    data.base64EncodedString().replacingOccurrences(of: "+", with: "-")
      .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
  }
}
