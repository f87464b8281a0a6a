/// An absolute `http` or `https` URL, taken apart.
///
/// The text is kept as it was given: a presigned URL must be sent on unchanged.
public struct HTTPURL: Sendable, Hashable, CustomStringConvertible {
  /// `http` or `https`.
  public let scheme: String
  /// The host, lower case, IPv6 addresses in brackets.
  public let host: String
  /// The port, the scheme's own when none is written.
  public let port: Int
  /// Everything from the path on, query included, without fragment.
  ///
  /// Begins with `/`.
  public let target: String
  /// The URL as it is sent.
  public let description: String

  /// Takes apart an absolute URL.
  ///
  /// Only a fragment is dropped, and spaces and bytes above 0x7E are percent-encoded, which servers forget in
  /// `Location`. The host may consist of letters, digits, `-`, `.` and `_` only, or be an IPv6 address: then
  /// nobody who reads the text after us can find another host in it.
  ///
  /// - Throws: `TransportError.badURL`, also for user information: it has no place in a URL that is logged.
  public init(parsing text: String) throws(TransportError) {
    let text = try Self.sendable(text)
    guard let parts = Self.split(text), let scheme = parts.scheme, let authority = parts.authority else {
      throw .badURL("\(Self.shortened(text)): not an absolute URL")
    }
    guard scheme == "http" || scheme == "https" else {
      throw .badURL("\(Self.shortened(text)): neither http nor https")
    }
    guard !authority.utf8.contains(UInt8(ascii: "@")) else {
      throw .badURL("\(Self.shortened(text)): user information is not allowed in a URL")
    }
    guard let (host, port) = Self.hostAndPort(authority) else {
      throw .badURL("\(Self.shortened(text)): no usable host and port")
    }
    self.scheme = scheme
    self.host = host
    self.port = port ?? (scheme == "https" ? 443 : 80)
    target = parts.rest.hasPrefix("/") ? parts.rest : "/" + parts.rest
    description = text
  }

  /// Scheme, host and path, without the query: fit for messages.
  public var redacted: String { String(description.prefix { $0 != "?" }) }

  /// Whether both have the same scheme, host and port (RFC 6454).
  public func hasSameOrigin(as other: HTTPURL) -> Bool {
    scheme == other.scheme && host == other.host && port == other.port
  }

  /// Whether the host is this machine by its very name: `localhost`, a name under it, 127.0.0.0/8 or `[::1]`.
  ///
  /// Other spellings that a resolver might take for such an address do not count.
  public var isLoopbackHost: Bool {
    if host == "localhost" || host.hasSuffix(".localhost") { return true }
    return IPAddress(host: host)?.isLoopback ?? false
  }
}

extension HTTPURL {
  /// The parts of a URL or a reference (RFC 3986, appendix B); `rest` is path and query.
  struct Parts {
    var scheme: String?
    var authority: String?
    var rest: String
  }

  /// Nil when what stands before the first colon is not a scheme, where one would have to be.
  static func split(_ text: String) -> Parts? {
    var rest = Substring(text)
    var parts = Parts(rest: "")
    if let end = rest.firstIndex(where: { ":/?".contains($0) }), rest[end] == ":" {
      guard let scheme = scheme(rest[..<end]) else { return nil }
      parts.scheme = scheme
      rest = rest[rest.index(after: end)...]
    }
    if rest.hasPrefix("//") {
      rest = rest.dropFirst(2)
      let end = rest.firstIndex { "/?".contains($0) } ?? rest.endIndex
      parts.authority = String(rest[..<end])
      rest = rest[end...]
    }
    parts.rest = String(rest)
    return parts
  }

  private static func scheme(_ text: Substring) -> String? {
    let bytes = text.utf8
    guard let first = bytes.first, first.isLetter else { return nil }
    guard bytes.allSatisfy({ $0.isLetter || $0.isDigit || "+-.".utf8.contains($0) }) else { return nil }
    return text.lowercased()
  }

  private static func hostAndPort(_ authority: String) -> (host: String, port: Int?)? {
    var end = authority.endIndex
    var port: Int?
    if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
      let digits = authority[colon...].dropFirst()
      guard digits.utf8.allSatisfy(\.isDigit) else { return nil }
      if !digits.isEmpty {
        guard let number = Int(digits), (1...65535).contains(number) else { return nil }
        port = number
      }
      end = colon
    }
    let host = authority[..<end].lowercased()
    guard isHost(host) else { return nil }
    return (host, port)
  }

  private static func isHost(_ host: String) -> Bool {
    if host.hasPrefix("[") { return IPAddress(host: host) != nil }
    let allowed = host.utf8.allSatisfy { $0.isLetter || $0.isDigit || "-._".utf8.contains($0) }
    return allowed && !host.isEmpty && host.utf8.count <= 255
  }

  /// The text without fragment, spaces and what is not ASCII encoded.
  static func sendable(_ text: String) throws(TransportError) -> String {
    var result: [UInt8] = []
    for byte in text.utf8.prefix(while: { $0 != UInt8(ascii: "#") }) {
      switch byte {
      case 0x00..<0x20, 0x7F: throw .badURL("\(shortened(text)): a control character is not allowed in a URL")
      case 0x20, 0x80...: result.append(percentEncoding: byte)
      default: result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The beginning of what was meant to be a URL, fit for a message: no query, no user information, no
  /// control characters.
  static func shortened(_ text: String) -> String {
    var shown = text.prefix { !"?#".contains($0) }
    if let start = shown.firstRange(of: "//")?.upperBound {
      let authority = shown[start...].prefix { $0 != "/" }
      if let at = authority.lastIndex(of: "@") { shown.replaceSubrange(start...at, with: "") }
    } else if let at = shown.lastIndex(of: "@") {
      shown = shown[at...].dropFirst()
    }
    let printable = shown.unicodeScalars.prefix(200).map {
      $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : $0
    }
    return "“" + String(String.UnicodeScalarView(printable)) + "”"
  }
}

extension UInt8 {
  var isLetter: Bool { (0x61...0x7A).contains(self | 0x20) }
  var isDigit: Bool { (0x30...0x39).contains(self) }
}

extension [UInt8] {
  /// Adds `byte` as `%XX`.
  mutating func append(percentEncoding byte: UInt8) {
    let digits = "0123456789ABCDEF".utf8.span
    append(UInt8(ascii: "%"))
    append(digits[Int(byte >> 4)])
    append(digits[Int(byte & 15)])
  }
}
