internal import HTTPTransport

extension Session {
  private static let maximumHops = 10

  /// Sends a request and follows where it is sent.
  ///
  /// `authorization` goes to the first URL, and on only while scheme, host and port stay the same (S3 and Azure refuse a
  /// presigned URL with it, and it is nobody else's business). All other header fields are kept.
  func follow(
    _ request: HTTPRequest, authorization: String?, rules: HopRules, payload: some ResponseReceiver
  ) async throws -> Answer {
    var request = request
    var authorization = authorization
    var rules = rules
    var visited: Set<HTTPURL> = [request.url]
    for _ in 0...Self.maximumHops {
      let answer = try await send(request, authorization: authorization, payload: payload)
      guard let location = answer.redirection else { return answer }
      if answer.response.isFromPrivateAddress, answer.url.host == rules.home.host {
        rules.homeIsPrivate = true
      }
      let next = try target(location, of: answer, hasSecretBody: request.body != nil, rules: rules)
      guard visited.insert(next).inserted else {
        throw RegistryError.unusable(
          answer.attempt, "redirects in a circle, back to \(next.redacted.printable)")
      }
      if !next.hasSameOrigin(as: request.url) { authorization = nil }
      request.url = next
      request.addressRule = rules.addressRule(for: next)
      request.tls = rules.tls(for: next)
    }
    throw RegistryError.unusable(
      RegistryError.Attempt(request.method, request.url), "more than \(Self.maximumHops) redirects")
  }

  private func target(
    _ location: String, of answer: Answer, hasSecretBody: Bool, rules: HopRules
  ) throws -> HTTPURL {
    let next: HTTPURL
    do {
      next = try answer.url.resolving(location)
    } catch {
      throw RegistryError.unusable(answer.attempt, "redirects to something else than a URL: \(error)")
    }
    if let objection = rules.objection(to: next, comingFrom: answer.url) {
      throw RegistryError.unsafe(answer.attempt, objection)
    }
    let keepsMethod = [307, 308].contains(answer.response.status) || [.get, .head].contains(answer.method)
    guard !hasSecretBody, keepsMethod else {
      throw RegistryError.unsafe(
        answer.attempt,
        "redirects a \(answer.method.rawValue) with status \(answer.response.status), which is not followed")
    }
    return next
  }

  /// How many times longer than a transfer may stall a registry may take to store what it got.
  private static let storingFactor = 10

  /// Sends one request to one URL.
  func send(
    _ request: HTTPRequest, authorization: String?, payload: some ResponseReceiver
  ) async throws -> Answer {
    var request = request
    request.headers.set("User-Agent", configuration.userAgent)
    request.patience = configuration.patience
    if request.bodySource != nil || request.method == .put {
      request.patience.answerSeconds = configuration.patience.stallSeconds * Self.storingFactor
    }
    if let authorization { request.headers.set("Authorization", authorization) }
    let receiver = AnswerReceiver(payload)
    defer { if receiver.response != nil { memory.keepAnswering(request.url.origin) } }
    do {
      let response = try await transport.send(request, to: receiver)
      learn(from: response, at: request.url)
      return Answer(method: request.method, url: request.url, response: response, body: receiver.body)
    } catch is EnoughRead {
      let response = receiver.response ?? HTTPResponse(status: 0, headers: [:])
      return Answer(method: request.method, url: request.url, response: response, body: receiver.body)
    } catch let error as TransportError {
      throw RegistryError.transport(RegistryError.Attempt(request.method, request.url), error)
    }
  }

  private func learn(from response: HTTPResponse, at url: HTTPURL) {
    if response.isFromPrivateAddress { memory.keepPrivate(url.host) }
    for field in response.headers.all("warning") {
      guard let text = Self.warning(field)?.printable, memory.isNews(text, from: url.host) else { continue }
      configuration.report(.warning(host: url.host, text: text))
    }
  }

  /// The text of `299 - "text"`; other warnings are about caches.
  static func warning(_ field: String) -> String? {
    guard field.hasPrefix("299 "), let start = field.firstIndex(of: "\""), let end = field.lastIndex(of: "\"")
    else { return nil }
    guard start < end else { return nil }
    var text = ""
    var isEscaped = false
    for character in field[field.index(after: start)..<end] {
      if character == "\\", !isEscaped {
        isEscaped = true
      } else {
        text.append(character)
        isEscaped = false
      }
    }
    return text
  }
}

extension HTTPURL {
  /// `https://host:443`.
  var origin: String { "\(scheme)://\(host):\(port)" }
}
