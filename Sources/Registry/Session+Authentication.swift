internal import HTTPTransport

extension Session {
  /// Answers to one request that may be needed: no token, too narrow a scope, an expired token.
  private static let maximumChallenges = 4

  /// Sends a request with what the registry wants to see, and answers its challenges.
  ///
  /// There is no request to `/v2/` first: what it says is not binding for repositories, and it costs a round trip.
  func authenticated(
    _ request: RegistryRequest, at url: HTTPURL, payload: some ResponseReceiver
  ) async throws -> Answer {
    let start = await tokens.serial
    var authorization = try await rememberedAuthorization(for: request, at: url)
    var answer = try await follow(request, at: url, authorization, payload)
    for _ in 0..<Self.maximumChallenges where answer.response.status == 401 {
      guard answer.url.hasSameOrigin(as: url) else {
        return try await answerForeignChallenge(answer, of: request, home: url, payload)
      }
      let next = try await self.authorization(
        answering: answer, to: request, refused: authorization, newerThan: start)
      guard let next else { break }
      authorization = next
      answer = try await follow(request, at: url, authorization, payload)
    }
    // A 403 of another host, to which we showed nothing, says nothing about credentials.
    guard answer.response.status == 403, answer.url.hasSameOrigin(as: url), request.isPull,
      let authorization, authorization.usesCredentials
    else { return answer }
    return try await withoutCredentials(request, at: url, refused: authorization, payload) ?? answer
  }

  private func follow(
    _ request: RegistryRequest, at url: HTTPURL, _ authorization: Authorization?,
    _ payload: some ResponseReceiver
  ) async throws -> Answer {
    var message = HTTPRequest(
      request.method, url, headers: request.headers, tls: request.endpoint.effectiveTLS)
    message.bodySource = request.body
    let rules = rules(home: url, of: request.endpoint)
    return try await follow(message, authorization: authorization?.header, rules: rules, payload: payload)
  }

  private func rememberedAuthorization(for request: RegistryRequest, at url: HTTPURL) async throws
    -> Authorization?
  {
    let known = [request.site, request.narrowSite, request.hostSite].lazy.compactMap(memory.challenge)
    guard let challenge = known.first else { return nil }
    return try await authorization(answering: challenge, to: request, at: url)
  }

  /// What to show next, or nil when there is nothing new to show.
  ///
  /// Tokens after `start` were made for this request.
  private func authorization(
    answering answer: Answer, to request: RegistryRequest, refused: Authorization?, newerThan start: Int
  ) async throws -> Authorization? {
    for challenge in Challenge.parse(answer.response.headers.all("www-authenticate")) {
      let next = try await authorization(
        answering: challenge, to: request, at: answer.url, refused: refused, newerThan: start)
      guard let next else { continue }
      guard next.header != refused?.header else { return nil }
      memory.keep(challenge, for: challenge.scheme == "basic" ? request.hostSite : request.site)
      return next
    }
    return nil
  }

  /// Nil when we have nothing for challenges of this kind; `refused` again when there is nothing better.
  private func authorization(
    answering challenge: Challenge, to request: RegistryRequest, at url: HTTPURL,
    refused: Authorization? = nil,
    newerThan start: Int = 0
  ) async throws -> Authorization? {
    let isAnonymous = memory.goesWithoutCredentials(request.site)
    let found = isAnonymous ? nil : try await credentials.credentials(for: request.endpoint)
    switch (challenge.scheme, found) {
    case ("basic", .basic(let user, let password)): return Authorization(basic: user, password)
    case ("bearer", .registryToken(let token)): return Authorization(registryToken: token)
    case ("bearer", _):
      let key = try tokenKey(challenge, for: request, at: url, credentials: found)
      if case .bearer(key, let token) = refused?.kind, token.serial > start {
        // A token made for just this, a moment ago, was refused.
        return refused
      }
      return try await bearer(key, to: request, at: url, refused: refused)
    default: return nil
    }
  }

  private func bearer(
    _ key: TokenKey, to request: RegistryRequest, at url: HTTPURL, refused: Authorization?
  ) async throws -> Authorization {
    let rules = rules(home: url, of: request.endpoint)
    do {
      return Authorization(try await token(key, rules: rules, refused: refused), for: key)
    } catch let error as RegistryError where key.credentials != nil && request.isPull && error.isDenial {
      // ghcr.io answers so to an expired token, also for public images (registry-protocol.md, section 2).
      let anonymous = key.withoutCredentials
      let token = try await token(anonymous, rules: rules, refused: refused)
      memory.keep(
        hint: "the stored credentials were refused by \(key.realm.host)", for: request.endpoint.credentialKey)
      goWithoutCredentials(request, reason: "\(error)")
      return Authorization(token, for: anonymous)
    }
  }

  /// The answer without credentials when that is a success, else nil.
  private func withoutCredentials(
    _ request: RegistryRequest, at url: HTTPURL, refused: Authorization, _ payload: some ResponseReceiver
  ) async throws -> Answer? {
    var authorization: Authorization?
    if case .bearer(let key, _) = refused.kind {
      let anonymous = key.withoutCredentials
      do {
        let token = try await token(anonymous, rules: rules(home: url, of: request.endpoint))
        authorization = Authorization(token, for: anonymous)
      } catch let error as RegistryError where error.isDenial {
        return nil
      }
    }
    let answer = try await follow(request, at: url, authorization, payload)
    guard answer.isSuccess else { return nil }
    goWithoutCredentials(request, reason: "the stored credentials were answered with status 403")
    return answer
  }

  private func goWithoutCredentials(_ request: RegistryRequest, reason: String) {
    guard memory.goWithoutCredentials(request.site) else { return }
    configuration.report(.continuedAnonymously(host: request.endpoint.host, reason: reason))
  }

  /// A redirect's target that wants a token of its own is another registry, to which we have no credentials.
  private func answerForeignChallenge(
    _ answer: Answer, of request: RegistryRequest, home: HTTPURL, _ payload: some ResponseReceiver
  ) async throws -> Answer {
    let challenges = Challenge.parse(answer.response.headers.all("www-authenticate"))
    guard let challenge = challenges.first(where: { $0.scheme == "bearer" }) else { return answer }
    let key = try tokenKey(challenge, for: request, at: answer.url, credentials: nil)
    let token = try await token(key, rules: rules(home: answer.url, of: request.endpoint))
    let rules = rules(home: home, of: request.endpoint)
    var message = HTTPRequest(
      request.method, answer.url, headers: request.headers, tls: rules.tls(for: answer.url),
      addressRule: rules.addressRule(for: answer.url))
    message.bodySource = request.body
    return try await follow(message, authorization: "Bearer \(token.value)", rules: rules, payload: payload)
  }
}

extension RegistryError {
  /// Whether a server refused what was shown to it.
  var isDenial: Bool {
    if case .denied = root { true } else { false }
  }
}
