internal import Hashing
internal import HTTPTransport

/// A request to a registry, before scheme, authorization and redirects are settled.
struct RegistryRequest: Sendable {
  var method = HTTPRequest.Method.get
  let endpoint: Endpoint
  /// Path and query.
  var target: String
  var headers: HTTPHeaders = [:]
  /// Where the body comes from, in methods that have one.
  var body: (any RequestBodySource)?
  /// What a token must allow: `repository:NAME:pull`, of the endpoint's own repository first.
  ///
  /// Empty for the registry as a whole.
  var scopes: [String] = []
  /// Whether public content is all that may be wanted, so that going without credentials makes sense.
  var isPull = true

  /// A request for something in the endpoint's repository; `rest` follows its name.
  init(_ method: HTTPRequest.Method = .get, _ endpoint: Endpoint, _ rest: String, headers: HTTPHeaders = [:])
  {
    self.method = method
    self.endpoint = endpoint
    self.headers = headers
    target = "/v2/\(endpoint.repositoryPath)/\(rest)"
    scopes = ["repository:\(endpoint.repositoryPath):pull"]
  }

  /// A request that changes the endpoint's repository, or prepares that.
  init(
    changing endpoint: Endpoint, _ method: HTTPRequest.Method, _ rest: String, actions: String = "pull,push",
    headers: HTTPHeaders = [:], body: (any RequestBodySource)? = nil
  ) {
    self.init(method, endpoint, rest, headers: headers)
    self.body = body
    scopes = ["repository:\(endpoint.repositoryPath):\(actions)"]
    isPull = false
  }

  /// A request to the registry as a whole; its base, without `rest`, answers who may come in.
  init(base endpoint: Endpoint, _ rest: String = "", scopes: [String] = []) {
    self.endpoint = endpoint
    self.scopes = scopes
    target = "/v2/" + rest
    isPull = false
  }

  var site: SessionMemory.Site { site(scope: scopes.isEmpty ? nil : scopes.joined(separator: " ")) }

  /// The site of requests that need the first scope alone.
  var narrowSite: SessionMemory.Site { site(scope: scopes.first) }

  /// Basic credentials are for the host, whatever is asked of it.
  var hostSite: SessionMemory.Site { site(scope: nil) }

  private func site(scope: String?) -> SessionMemory.Site {
    SessionMemory.Site(host: endpoint.host, credentialKey: endpoint.credentialKey, scope: scope)
  }
}

/// What is shown to a registry, and where it came from.
struct Authorization: Sendable {
  enum Kind: Sendable {
    case basic
    case registryToken
    case bearer(TokenKey, Token)
  }

  let kind: Kind
  /// The value of the header field.
  let header: String
  /// Whether a user's credentials are behind it.
  let usesCredentials: Bool

  init(basic user: String, _ password: String) {
    kind = .basic
    header = Authorization.basicHeader(user, password)
    usesCredentials = true
  }

  init(registryToken token: String) {
    kind = .registryToken
    header = "Bearer \(token)"
    usesCredentials = true
  }

  init(_ token: Token, for key: TokenKey) {
    kind = .bearer(key, token)
    header = "Bearer \(token.value)"
    usesCredentials = key.credentials != nil
  }

  static func basicHeader(_ user: String, _ password: String) -> String {
    "Basic " + Base64.encode(Array("\(user):\(password)".utf8))
  }
}
