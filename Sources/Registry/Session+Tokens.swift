internal import HTTPTransport
internal import OrderedJSON

extension Session {
  /// The longest answer of a token server, in bytes.
  private static let answerLimit = 1 << 20
  private static let clientID = "cooper"

  /// What a challenge asks for.
  ///
  /// The request's own scopes are used when it names none, and for changes beside those it names.
  func tokenKey(
    _ challenge: Challenge, for request: RegistryRequest, at url: HTTPURL, credentials: Credentials?
  ) throws -> TokenKey {
    let attempt = RegistryError.Attempt(.get, url)
    guard let realm = challenge.parameters["realm"] else {
      throw RegistryError.unusable(attempt, "asks for a token but does not say where to get one")
    }
    guard let realmURL = try? HTTPURL(parsing: realm) else {
      throw RegistryError.unusable(attempt, "names a token server that is not a URL")
    }
    return TokenKey(
      registry: url.origin, realm: realmURL, service: challenge.parameters["service"],
      scopes: Self.scopes(challenge.scopes, for: request),
      credentials: credentials)
  }

  /// A challenge speaks of the one request it answers; a push soon wants more, and should need one token only.
  private static func scopes(_ named: [String], for request: RegistryRequest) -> [String] {
    if named.isEmpty { return request.scopes }
    return request.isPull ? named : TokenScopes.merged(named, with: request.scopes)
  }

  /// A token from the cache or from the token server, but not the one that was refused.
  func token(_ key: TokenKey, rules: HopRules, refused: Authorization? = nil) async throws -> Token {
    var refusedToken: String?
    if case .bearer(key, let token) = refused?.kind { refusedToken = token.value }
    return try await tokens.token(for: key, refused: refusedToken) {
      do {
        return try await self.requestToken(key, rules: rules)
      } catch let error as RegistryError {
        throw RegistryError.token(for: rules.home.host, error)
      }
    }
  }

  private func requestToken(_ key: TokenKey, rules: HopRules) async throws -> Token {
    if let objection = rules.objection(to: key.realm, comingFrom: rules.home) {
      throw RegistryError.unsafe(RegistryError.Attempt(.get, key.realm), objection)
    }
    if case .identityToken(let identity) = key.credentials {
      do {
        return try await token(from: exchange(identity, for: key, rules: rules), nil, rules: rules)
      } catch let error as RegistryError where error.refusal.map({ [404, 405].contains($0.status) }) == true {
        // A token server without OAuth2.
      }
    }
    return try await token(from: order(key, rules: rules), key.credentials?.basicHeader, rules: rules)
  }

  private func token(from request: HTTPRequest, _ authorization: String?, rules: HopRules) async throws
    -> Token
  {
    try await retrying("token from \(request.url.host)", attempts: configuration.retry.attempts) {
      let body = BodyBuffer(limit: Self.answerLimit)
      let answer = try await self.follow(request, authorization: authorization, rules: rules, payload: body)
      guard answer.isSuccess else { throw self.error(answer) }
      return try self.token(in: body.bytes, of: answer)
    }
  }

  private func order(_ key: TokenKey, rules: HopRules) throws -> HTTPRequest {
    var url = key.realm
    if let service = key.service { url = try url.appending(queryItem: "service", value: service) }
    for scope in key.scopes { url = try url.appending(queryItem: "scope", value: scope) }
    if case .basic(let user, _) = key.credentials {
      url = try url.appending(queryItem: "account", value: user)
    }
    return HTTPRequest(.get, url, tls: rules.tls(for: url), addressRule: rules.addressRule(for: url))
  }

  private func exchange(_ identity: String, for key: TokenKey, rules: HopRules) -> HTTPRequest {
    var fields = [("grant_type", "refresh_token"), ("refresh_token", identity), ("client_id", Self.clientID)]
    if let service = key.service { fields.append(("service", service)) }
    if !key.scopes.isEmpty { fields.append(("scope", key.scopes.joined(separator: " "))) }
    let form = fields.map { "\($0)=\($1.percentEncoded)" }.joined(separator: "&")
    return HTTPRequest(
      .post, key.realm, headers: ["Content-Type": "application/x-www-form-urlencoded"],
      body: Array(form.utf8),
      tls: rules.tls(for: key.realm), addressRule: rules.addressRule(for: key.realm))
  }

  private func token(in body: [UInt8], of answer: Answer) throws -> Token {
    guard let document = try? JSONValue(parsing: body) else {
      throw RegistryError.unusable(answer.attempt, "answers with something else than JSON")
    }
    let candidates = ["token", "access_token"].lazy.compactMap { document[$0]?.string }
    guard let value = candidates.first(where: { !$0.isEmpty }) else {
      throw RegistryError.unusable(answer.attempt, "answers without a token")
    }
    // It becomes a header field: nothing may end that early.
    guard value.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw RegistryError.unusable(answer.attempt, "answers with a token that cannot be sent")
    }
    return Token(value: value, expiry: clock.uptime() + Self.lifetime(document["expires_in"]))
  }

  /// How long a token is used.
  ///
  /// The last tenth of its life, at least 5 s, is left for the request that it is sent with.
  static func lifetime(_ promised: JSONValue?) -> Duration {
    let seconds = promised?.int ?? promised?.string.flatMap { Int64($0) } ?? 60
    let believed = min(max(seconds, 60), 86400)
    return .seconds(believed - max(5, believed / 10))
  }
}

extension Credentials {
  /// What is shown to a token server by GET.
  ///
  /// An identity token takes the place of a password there, under a name that cannot be a user's.
  fileprivate var basicHeader: String? {
    switch self {
    case .basic(let user, let password): Authorization.basicHeader(user, password)
    case .identityToken(let token): Authorization.basicHeader("<token>", token)
    case .registryToken: nil
    }
  }
}

extension TokenKey {
  var withoutCredentials: TokenKey {
    TokenKey(registry: registry, realm: realm, service: service, scopes: scopes, credentials: nil)
  }
}

extension String {
  /// The text with everything but RFC 3986's unreserved characters as `%XX`.
  var percentEncoded: String {
    var result = ""
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        result += byte < 16 ? "%0" : "%"
        result += String(byte, radix: 16, uppercase: true)
      }
    }
    return result
  }
}
