internal import HTTPTransport
public import OrderedJSON

/// An answer with a status other than success.
public struct Refusal: Sendable, CustomStringConvertible {
  /// The request.
  public let attempt: RegistryError.Attempt
  /// The status.
  public let status: Int
  /// What the registry said about it; empty when it said nothing or nothing readable.
  public let messages: [Message]
  /// Seconds that the registry wants to be left alone.
  public let retryAfter: Int64?
  /// What else is known, for people.
  public var hint: String?

  /// One entry of the registry's list of errors (distribution-spec, "Error Codes").
  public struct Message: Sendable, Hashable {
    /// `MANIFEST_UNKNOWN` and the like, empty when there was none.
    public let code: String
    /// The text, control characters escaped.
    public let message: String
    /// Anything, as sent.
    public let detail: JSONValue?
  }

  /// `GET https://host/path: status 404: MANIFEST_UNKNOWN: manifest unknown`.
  public var description: String {
    let said = messages.map { [$0.code, $0.message].filter { !$0.isEmpty }.joined(separator: ": ") }
    let parts = ["\(attempt): status \(status)"] + (said.isEmpty ? [] : [said.joined(separator: "; ")])
    return parts.joined(separator: ": ") + (hint.map { " (\($0))" } ?? "")
  }

  /// Whether the registry named this code.
  func says(_ code: String) -> Bool { messages.contains { $0.code == code } }

  /// The longest error body that is read, in bytes.
  static let bodyLimit = 1 << 20

  init(_ answer: Answer, now: Int64) {
    attempt = answer.attempt
    status = answer.response.status
    messages = Self.messages(in: answer.body)
    retryAfter = answer.response.headers.first("retry-after").flatMap { Self.seconds(until: $0, now: now) }
  }

  /// Seconds or an HTTP date; a date in the past means now.
  static func seconds(until field: String, now: Int64) -> Int64? {
    let field = field.trimmingSpaces
    if let seconds = Int64(field) { return seconds < 0 ? nil : min(seconds, 1 << 40) }
    return CivilTime.seconds(ofHTTPDate: field).map { max(0, $0 - now) }
  }

  /// Reads the list leniently.
  ///
  /// What is not JSON (a proxy's page) is not shown at all.
  static func messages(in body: [UInt8]) -> [Message] {
    guard let document = try? JSONValue(parsing: body) else { return [] }
    guard let entries = document["errors"]?.array else { return message(from: document).map { [$0] } ?? [] }
    return entries.prefix(10).compactMap(message(from:))
  }

  /// Token servers and fronts use `details`, or OAuth2's `error` and `error_description` (RFC 6749, section 5.2).
  private static func message(from entry: JSONValue) -> Message? {
    if let text = entry.string { return Message(code: "", message: text.printable, detail: nil) }
    let code = entry["code"]?.string ?? entry["error"]?.string ?? ""
    let texts = ["message", "error_description", "details"].lazy.compactMap { entry[$0]?.string }
    let text = texts.first ?? ""
    guard !code.isEmpty || !text.isEmpty else { return nil }
    return Message(code: code.printable, message: text.printable, detail: entry["detail"])
  }
}

extension RegistryError {
  /// The error that a final answer stands for.
  init(_ answer: Answer, now: Int64, hint: String? = nil) {
    var refusal = Refusal(answer, now: now)
    refusal.hint = hint
    switch refusal.status {
    case 401, 403: self = .denied(refusal)
    case 404: self = .notFound(refusal)
    case 429: self = .rateLimited(refusal, until: refusal.retryAfter.map { now + $0 })
    default: self = .refused(refusal)
    }
  }
}
