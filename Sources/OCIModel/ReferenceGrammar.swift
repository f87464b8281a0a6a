/// The character rules of registry-protocol.md, section 14.
enum ReferenceGrammar {
  static func isLowerHex(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
  private static func isLower(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }
  private static func isUpper(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }

  static func check(domain: Substring, of text: String) throws(ReferenceError) {
    let bytes = Array(domain.utf8)
    let hostEnd: Int
    if bytes.first == UInt8(ascii: "[") {
      guard let close = bytes.firstIndex(of: UInt8(ascii: "]")), isIPv6(bytes[1..<close]) else {
        throw .domain(text, String(domain))
      }
      hostEnd = close + 1
    } else {
      hostEnd = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
      let labels = bytes[..<hostEnd].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      guard labels.allSatisfy(isLabel) else { throw .domain(text, String(domain)) }
    }
    guard isPort(bytes[hostEnd...]) else { throw .domain(text, String(domain)) }
  }

  /// Only the characters are looked at: whether it is an address is for the resolver to say.
  private static func isIPv6(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.contains(UInt8(ascii: ":"))
      && bytes.allSatisfy {
        isDigit($0) || $0 == UInt8(ascii: ":") || (0x61...0x66).contains($0 | 0x20)
      }
  }

  private static func isLabel(_ bytes: ArraySlice<UInt8>) -> Bool {
    func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isLower(byte) || isUpper(byte) }
    guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else {
      return false
    }
    return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
  }

  /// Nothing, or a colon and a number that can be a port.
  private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let colon = bytes.first else { return true }
    let digits = bytes.dropFirst()
    guard colon == UInt8(ascii: ":"), !digits.isEmpty, digits.allSatisfy(isDigit) else { return false }
    return UInt16(String(decoding: digits, as: UTF8.self)).map { $0 > 0 } ?? false
  }

  static func check(path: Substring, of text: String) throws(ReferenceError) {
    guard !path.isEmpty else { throw .emptyName(text) }
    for component in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      if isComponent(component) { continue }
      let part = String(Substring(component))
      throw component.contains(where: isUpper) ? .upperCase(text, part) : .path(text, part)
    }
  }

  /// Letters and digits, joined by one dot, one or two underscores, or any number of hyphens.
  private static func isComponent(_ component: Substring.UTF8View.SubSequence) -> Bool {
    var separator: [UInt8] = []
    var isStarted = false
    for byte in component {
      if isLower(byte) || isDigit(byte) {
        guard separator.isEmpty || isSeparator(separator) else { return false }
        separator = []
        isStarted = true
      } else {
        guard isStarted else { return false }
        separator.append(byte)
      }
    }
    return isStarted && separator.isEmpty
  }

  private static func isSeparator(_ bytes: [UInt8]) -> Bool {
    let first = bytes[0]
    switch first {
    case UInt8(ascii: "."): return bytes.count == 1
    case UInt8(ascii: "_"): return bytes == [first] || bytes == [first, first]
    case UInt8(ascii: "-"): return bytes.allSatisfy { $0 == first }
    default: return false
    }
  }

  static func check(tag: Substring, of text: String) throws(ReferenceError) {
    func isWord(_ byte: UInt8) -> Bool {
      isDigit(byte) || isLower(byte) || isUpper(byte) || byte == UInt8(ascii: "_")
    }
    guard let first = tag.utf8.first, isWord(first), tag.utf8.count <= 128,
      tag.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
    else { throw .tag(text, String(tag)) }
  }
}
