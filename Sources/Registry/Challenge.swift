/// One challenge of a `WWW-Authenticate` field (RFC 9110, section 11.6.1).
///
/// Parsing never fails: what cannot be understood is passed over, because one odd challenge must not hide a usable one beside it.
struct Challenge: Sendable, Hashable {
  /// The scheme in lower case.
  let scheme: String
  /// Values by parameter name in lower case.
  ///
  /// Of repeated names the first counts.
  private(set) var parameters: [String: String] = [:]

  /// All challenges of all fields, in order.
  ///
  /// One field may hold several.
  static func parse(_ fields: [String]) -> [Challenge] {
    fields.flatMap { field in
      var parser = Parser(field)
      return parser.challenges()
    }
  }

  /// The scopes that are asked for, in order.
  var scopes: [String] {
    (parameters["scope"] ?? "").split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
  }

  fileprivate init(scheme: String) { self.scheme = scheme.lowercased() }

  fileprivate mutating func add(_ name: String, _ value: String) {
    let name = name.lowercased()
    if parameters[name] == nil { parameters[name] = value }
  }
}

private struct Parser {
  private let bytes: [UInt8]
  private var position = 0

  init(_ field: String) { bytes = Array(field.utf8) }

  mutating func challenges() -> [Challenge] {
    var found: [Challenge] = []
    while position < bytes.count {
      let separated = skipSeparators() || found.isEmpty
      let token = word()
      let hadSpace = skipSpaces()
      if skip("=") {
        if let value = value(), !token.isEmpty, !found.isEmpty { found[found.count - 1].add(token, value) }
      } else if token.isEmpty {
        // A quoted string where none belongs; anything else was taken by `word`.
        if skip("\"") { _ = quoted() }
      } else if separated {
        found.append(Challenge(scheme: token))
        // What follows a scheme after a space is its first parameter, or one opaque token.
        if hadSpace { skipOpaqueToken() }
      }
    }
    return found
  }

  /// Passes over `abc==` of `Negotiate abc==`, but not over `realm` of `Basic realm="x"`.
  private mutating func skipOpaqueToken() {
    let start = position
    _ = word()
    let padded = position
    while skip("=") {}
    _ = skipSpaces()
    let isOpaque = position == bytes.count || bytes[position] == UInt8(ascii: ",")
    if !isOpaque || padded == start { position = start }
  }

  /// Nil when nothing is there, as at the end of an opaque token.
  private mutating func value() -> String? {
    _ = skipSpaces()
    guard position < bytes.count else { return nil }
    if skip("\"") { return quoted() }
    let text = word(endingBefore: " \t,")
    return text.isEmpty ? nil : text
  }

  private mutating func quoted() -> String {
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "\\"), position < bytes.count {
        text.append(bytes[position])
        position += 1
      } else {
        text.append(byte)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func word(endingBefore delimiters: String = " \t,=\"") -> String {
    let start = position
    while position < bytes.count, !delimiters.utf8.contains(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Whether there was a comma.
  private mutating func skipSeparators() -> Bool {
    var found = false
    while true {
      if skip(",") {
        found = true
      } else if !skipSpaces() {
        return found
      }
    }
  }

  private mutating func skipSpaces() -> Bool {
    let start = position
    while position < bytes.count, " \t".utf8.contains(bytes[position]) { position += 1 }
    return position > start
  }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }
}
