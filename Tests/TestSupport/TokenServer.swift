import Foundation
import Synchronization

/// A token server for a docker-registry with `auth: token`, on a free port of 127.0.0.1.
///
/// Answers GET with Basic credentials or none, and POST in the OAuth2 form with `password` or `refresh_token`
/// (registry-protocol.md, tokens). Tokens are signed with RS256 and carry their certificate (`x5c`).
public final class TokenServer: Sendable {
  /// What the server gives to whom.
  public struct Policy: Sendable {
    /// User names and passwords; another user or password is answered by 401.
    public var users: [String: String] = [:]
    /// The refresh token (identity token) that may be used in place of a password, and that `offline_token` and
    /// `access_type=offline` are answered with.
    public var refreshToken: String?
    /// Whether requests without credentials get a token.
    public var allowsAnonymous = true
    /// For how many seconds the registry accepts a token.
    public var lifetime = 300
    /// `expires_in` of the response; nil leaves the member out.
    public var statedLifetime: Int? = 300
    /// Whether POST is answered; false means 404, as older servers do.
    public var supportsPOST = true
    /// The member that holds the token in the answer to GET: `token`, `access_token`.
    public var tokenMember = "token"

    /// Anonymous access with tokens of five minutes.
    public init() {}
  }

  /// One request that the server got.
  public struct Request: Sendable, Hashable {
    /// `GET` or `POST`.
    public let method: String
    /// The fields of the query or of the form, by name; repeated fields (`scope`) in order.
    public let fields: [String: [String]]
    /// The `Authorization` header, if there was one.
    public let authorization: String?
    /// The status of the answer.
    public let status: Int
  }

  /// The address for the challenge's `realm`.
  public var realm: String { "http://127.0.0.1:\(server.port)/token" }
  /// The challenge's `service`.
  public let service = "cooper-test-registry"
  /// What docker-registry's configuration calls `issuer`.
  public let issuer = "cooper-test-issuer"
  /// What docker-registry's configuration calls `rootcertbundle`.
  public var certificateBundle: String { authority.certificatePath }

  private let authority: CertificateAuthority
  private let signer: TokenSigner
  private let directory: TemporaryDirectory
  private let server: SmallHTTPServer
  private let state: Mutex<State>

  private struct State {
    var policy: Policy
    var requests: [Request] = []
  }

  /// Starts a token server.
  ///
  /// Write `defer { tokens.stop() }` after it.
  public static func start(_ policy: Policy = Policy()) async throws -> TokenServer {
    let directory = try TemporaryDirectory()
    let authority = try await CertificateAuthority()
    let certificate = try await authority.issueCertificate(named: "signer", in: directory)
    let tokens = TokenServer(
      policy, directory: directory, authority: authority, signer: try TokenSigner(certificate),
      server: try SmallHTTPServer())
    tokens.server.run { [weak tokens] request in
      await tokens?.answer(request) ?? SmallHTTPServer.Response(status: 503, body: "{}")
    }
    return tokens
  }

  private init(
    _ policy: Policy, directory: TemporaryDirectory, authority: CertificateAuthority, signer: TokenSigner,
    server: SmallHTTPServer
  ) {
    self.directory = directory
    self.authority = authority
    self.signer = signer
    self.server = server
    state = Mutex(State(policy: policy))
  }

  /// What is given to whom; may be changed while the server runs.
  public var policy: Policy {
    get { state.withLock { $0.policy } }
    set { state.withLock { $0.policy = newValue } }
  }

  /// The requests so far.
  public var requests: [Request] { state.withLock { $0.requests } }

  /// Stops the server and removes its keys.
  public func stop() {
    server.stop()
    authority.remove()
    directory.remove()
  }

  private func answer(_ request: SmallHTTPServer.Request) async -> SmallHTTPServer.Response {
    let fields = FormFields.parse(request.method == "POST" ? request.body : request.query)
    let response = await respond(request, fields)
    let record = Request(
      method: request.method, fields: fields, authorization: request.headers["authorization"],
      status: response.status)
    state.withLock { $0.requests.append(record) }
    return response
  }

  private func respond(_ request: SmallHTTPServer.Request, _ fields: [String: [String]]) async
    -> SmallHTTPServer.Response
  {
    let policy = policy
    if request.method == "POST" && !policy.supportsPOST { return .init(status: 404, body: "{}") }
    guard let user = user(of: request, fields, policy) else {
      return .init(status: 401, body: #"{"errors":[{"code":"UNAUTHORIZED","message":"no such user"}]}"#)
    }
    let claims = TokenSigner.Claims(
      issuer: issuer, subject: user, audience: fields["service"]?.first ?? "",
      scopes: (fields["scope"] ?? []).flatMap { $0.split(separator: " ").map(String.init) },
      lifetime: policy.lifetime)
    do {
      let token = try await signer.sign(claims)
      return .init(status: 200, body: body(token, fields, policy, isPOST: request.method == "POST"))
    } catch {
      return .init(status: 500, body: "{}")
    }
  }

  /// The empty string for an anonymous request, nil for one that is refused.
  private func user(
    of request: SmallHTTPServer.Request, _ fields: [String: [String]], _ policy: Policy
  ) -> String? {
    if request.method == "POST" {
      switch fields["grant_type"]?.first {
      case "refresh_token":
        return policy.refreshToken != nil && fields["refresh_token"]?.first == policy.refreshToken
          ? "holder" : nil
      case "password":
        let name = fields["username"]?.first ?? ""
        return policy.users[name] == fields["password"]?.first ?? "" ? name : nil
      default: return nil
      }
    }
    guard let header = request.headers["authorization"] else { return policy.allowsAnonymous ? "" : nil }
    guard header.hasPrefix("Basic "), let data = Data(base64Encoded: String(header.dropFirst(6))) else {
      return nil
    }
    let parts = String(decoding: data, as: UTF8.self).split(separator: ":", maxSplits: 1).map(String.init)
    return parts.count == 2 && policy.users[parts[0]] == parts[1] ? parts[0] : nil
  }

  private func body(_ token: String, _ fields: [String: [String]], _ policy: Policy, isPOST: Bool) -> String {
    var members = [#""\#(isPOST ? "access_token" : policy.tokenMember)":"\#(token)""#]
    if let seconds = policy.statedLifetime { members.append(#""expires_in":\#(seconds)"#) }
    let wantsRefresh = fields["offline_token"] == ["true"] || fields["access_type"] == ["offline"]
    if wantsRefresh, let refresh = policy.refreshToken { members.append(#""refresh_token":"\#(refresh)""#) }
    return "{" + members.joined(separator: ",") + "}"
  }
}

/// `application/x-www-form-urlencoded` fields.
enum FormFields {
  static func parse(_ text: String) -> [String: [String]] {
    var fields: [String: [String]] = [:]
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(decode)
      fields[parts[0], default: []].append(parts.count > 1 ? parts[1] : "")
    }
    return fields
  }

  private static func decode(_ text: Substring) -> String {
    text.replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? String(text)
  }
}
