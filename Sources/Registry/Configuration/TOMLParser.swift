/// Reads the text of a TOML document.
struct TOMLParser {
  private static let depthLimit = 32
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(TOMLError) -> TOML {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw failure(.notUTF8, at: 0) }
    var tree = TOMLTree()
    while true {
      skipBlanks()
      guard let byte = peek else { return tree.value }
      let start = offset
      if byte == UInt8(ascii: "[") {
        try header(into: &tree)
      } else if !isLineEnd, byte != UInt8(ascii: "#") {
        let (key, value) = try assignment(depth: 0)
        try placed(at: start) { () throws(TOMLTree.Fault) in try tree.set(key, value) }
      }
      try endLine()
    }
  }

  private mutating func header(into tree: inout TOMLTree) throws(TOMLError) {
    let start = offset
    offset += 1
    let isElement = take("[")
    let path = try key()
    guard take("]"), !isElement || take("]") else { throw failure(.expected(isElement ? "\"]]\"" : "\"]\"")) }
    try placed(at: start) { () throws(TOMLTree.Fault) in
      if isElement { try tree.openElement(path) } else { try tree.openTable(path) }
    }
  }

  private mutating func assignment(depth: Int) throws(TOMLError) -> (key: [String], value: TOML) {
    let path = try key()
    guard take("=") else { throw failure(.expected("\"=\" after a key")) }
    skipBlanks()
    return (path, try value(depth: depth))
  }

  // MARK: Keys

  /// A key of one or more parts, with the blanks around it.
  private mutating func key() throws(TOMLError) -> [String] {
    var parts: [String] = []
    repeat {
      skipBlanks()
      parts.append(try keyPart())
      skipBlanks()
    } while take(".")
    return parts
  }

  private mutating func keyPart() throws(TOMLError) -> String {
    switch peek {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return try string()
    default:
      let word = word { Self.isBare($0) }
      guard !word.isEmpty else { throw failure(.expected("a key")) }
      return word
    }
  }

  private static func isBare(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  // MARK: Values

  private mutating func value(depth: Int) throws(TOMLError) -> TOML {
    guard depth < Self.depthLimit else { throw failure(.tooDeep(limit: Self.depthLimit)) }
    switch peek {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
    case UInt8(ascii: "["): return try array(depth: depth + 1)
    case UInt8(ascii: "{"): return try inlineTable(depth: depth + 1)
    default: return try scalar()
    }
  }

  private mutating func scalar() throws(TOMLError) -> TOML {
    let start = offset
    // Colon, dot and plus are taken so that dates and fractions are seen whole and refused by name.
    let word = word {
      Self.isBare($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "+")
    }
    switch word {
    case "": throw failure(.expected("a value"), at: start)
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    default: break
    }
    let digits = word.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
    let isDecimal = digits.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    guard isDecimal, digits.count == 1 || digits.first != UInt8(ascii: "0"), let number = Int64(word) else {
      let isNumeric = digits.first.map { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ?? false
      let isWord = !isNumeric && !["inf", "nan"].contains(String(Substring(digits)))
      throw failure(
        isWord
          ? .expected("a value; text goes in quotes")
          : .unsupported("\(word): numbers other than whole decimal ones, and dates, are"), at: start)
    }
    return .integer(number)
  }

  private mutating func array(depth: Int) throws(TOMLError) -> TOML {
    offset += 1
    var elements: [TOML] = []
    while true {
      try skipBlanksAndLines()
      if take("]") { return .array(elements) }
      elements.append(try value(depth: depth))
      try skipBlanksAndLines()
      guard take(",") || peek == UInt8(ascii: "]") else {
        throw failure(.expected("\",\" or \"]\" in an array"))
      }
    }
  }

  private mutating func inlineTable(depth: Int) throws(TOMLError) -> TOML {
    offset += 1
    var tree = TOMLTree()
    skipBlanks()
    if take("}") { return tree.value }
    while true {
      skipBlanks()
      let start = offset
      let (key, value) = try assignment(depth: depth)
      try placed(at: start) { () throws(TOMLTree.Fault) in try tree.set(key, value) }
      skipBlanks()
      if take("}") { return tree.value }
      guard take(",") else { throw failure(.expected("\",\" or \"}\" in an inline table")) }
    }
  }

  // MARK: Strings

  private mutating func string() throws(TOMLError) -> String {
    let start = offset
    let quote = bytes[offset]
    if bytes[offset...].starts(with: [quote, quote, quote]) {
      throw failure(.unsupported("a string over several lines is"))
    }
    offset += 1
    var content: [UInt8] = []
    while let byte = peek, byte != quote {
      guard byte >= 0x20 || byte == 0x09, byte != 0x7F else { throw failure(.expected("a closing quote")) }
      if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
        content += String(try escape()).utf8
      } else {
        content.append(byte)
        offset += 1
      }
    }
    guard peek == quote else { throw failure(.expected("a closing quote"), at: start) }
    offset += 1
    return String(decoding: content, as: UTF8.self)
  }

  private mutating func escape() throws(TOMLError) -> Unicode.Scalar {
    let start = offset
    offset += 1
    guard let letter = peek else { throw failure(.expected("an escape sequence"), at: start) }
    offset += 1
    switch letter {
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): return Unicode.Scalar(letter)
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let count = letter == UInt8(ascii: "u") ? 4 : 8
      let digits = bytes[offset...].prefix(count)
      guard digits.count == count, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
        let number = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
        let scalar = Unicode.Scalar(number)
      else { throw failure(.expected("\(count) hexadecimal digits of a character"), at: start) }
      offset += count
      return scalar
    default: throw failure(.expected("one of the escapes \\b \\t \\n \\f \\r \\\" \\\\ \\u \\U"), at: start)
    }
  }

  // MARK: Characters

  private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private var isLineEnd: Bool { peek == 0x0A || bytes[offset...].starts(with: [0x0D, 0x0A]) }

  private mutating func take(_ symbol: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: symbol) else { return false }
    offset += 1
    return true
  }

  private mutating func word(while isPart: (UInt8) -> Bool) -> String {
    let part = bytes[offset...].prefix(while: isPart)
    offset += part.count
    return String(decoding: part, as: UTF8.self)
  }

  private mutating func skipBlanks() {
    while peek == 0x20 || peek == 0x09 { offset += 1 }
  }

  /// What may stand between the elements of an array.
  private mutating func skipBlanksAndLines() throws(TOMLError) {
    skipBlanks()
    while isLineEnd || peek == UInt8(ascii: "#") {
      try endLine()
      skipBlanks()
    }
  }

  /// Blanks, a comment, and the end of the line or document.
  private mutating func endLine() throws(TOMLError) {
    skipBlanks()
    if take("#") {
      while let byte = peek, !isLineEnd {
        guard byte >= 0x20 || byte == 0x09, byte != 0x7F else {
          throw failure(.expected("no control character in a comment"))
        }
        offset += 1
      }
    }
    guard peek != nil else { return }
    guard isLineEnd else { throw failure(.expected("the end of the line")) }
    offset += peek == 0x0D ? 2 : 1
  }

  // MARK: Places

  private func failure(_ reason: TOMLError.Reason, at place: Int? = nil) -> TOMLError {
    let before = bytes[..<(place ?? offset)]
    let line = before.reversed().prefix { $0 != 0x0A }
    return TOMLError(
      reason: reason, line: before.count { $0 == 0x0A } + 1,
      // Continuation bytes of UTF-8 are no characters of their own.
      column: line.count { $0 & 0xC0 != 0x80 } + 1)
  }

  private func placed(
    at place: Int, _ change: () throws(TOMLTree.Fault) -> Void
  ) throws(TOMLError) {
    do throws(TOMLTree.Fault) { try change() } catch { throw failure(error.reason, at: place) }
  }
}
