internal import HTTPTransport

/// What a token is for.
///
/// Tokens are shared between requests that are equal in all of this, and never across registries.
struct TokenKey: Sendable, Hashable {
  /// The registry's origin.
  ///
  /// Two registries that name the same token server do not see each other's tokens.
  let registry: String
  let realm: HTTPURL
  let service: String?
  let scopes: [String]
  let credentials: Credentials?
}

/// A bearer token.
struct Token: Sendable {
  let value: String
  /// When it is to be replaced, in the uptime of the local clock: clocks of servers differ.
  let expiry: Duration
  /// Which token of this client's it is, counted from 1: tells a token just made from one that may have been revoked since.
  var serial = 0
}

/// Bearer tokens in memory. Equal requests at the same time are one request.
actor TokenCache {
  private let clock: RegistryClock
  private let requests = SharedWork<TokenKey, Token>()
  private var held: [TokenKey: Token] = [:]

  /// The serial of the newest token.
  private(set) var serial = 0

  init(clock: RegistryClock) { self.clock = clock }

  /// A token that lives long enough for one more request, and is not the one that was `refused`.
  func token(
    for key: TokenKey, refused: String? = nil, request: @escaping @Sendable () async throws -> Token
  ) async throws -> Token {
    if let token = usable(key, refused) { return token }
    return try await requests.value(for: key) {
      if let token = await self.usable(key, refused) { return token }
      return await self.keep(try await request(), for: key)
    }
  }

  private func usable(_ key: TokenKey, _ refused: String?) -> Token? {
    guard let token = held[key], token.value != refused, clock.uptime() < token.expiry else { return nil }
    return token
  }

  private func keep(_ token: Token, for key: TokenKey) -> Token {
    serial += 1
    var token = token
    token.serial = serial
    held[key] = token
    return token
  }
}
