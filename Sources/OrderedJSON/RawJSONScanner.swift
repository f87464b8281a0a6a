/// Walks through a document once, with a stack of its own.
struct RawJSONScanner {
  /// As many levels as Go's decoder allows (`maxNestingDepth`).
  static let depthLimit = 10_000

  private let bytes: [UInt8]
  private var position = 0
  /// The brackets that are open, as their closing ones.
  private var open: [UInt8] = []
  private(set) var members: [RawJSON.Member] = []
  private var memberName: Range<Int> = 0..<0
  private var memberStart = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The kind of a value that begins with this byte.
  static func kind(of first: UInt8) -> RawJSON.Kind {
    switch first {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
    case UInt8(ascii: "n"): .null
    default: .number
    }
  }

  /// The range of the document without the white space around it.
  mutating func scanDocument() throws(JSONError) -> Range<Int> {
    skipBlanks()
    let start = position
    var isDone = false
    while !isDone {
      if try scanValueStart() { isDone = try finishValues() }
    }
    let end = position
    skipBlanks()
    guard position == bytes.count else { throw problem("something follows the end of the document") }
    return start..<end
  }

  /// Scans a scalar, an empty list or object, or the beginning of another one up to its first value; tells
  /// whether the value is complete.
  private mutating func scanValueStart() throws(JSONError) -> Bool {
    skipBlanks()
    if open.count == 1 { memberStart = position }
    switch current {
    case UInt8(ascii: "{"):
      try push(UInt8(ascii: "}"))
      if closes() { return true }
      try scanName()
      return false
    case UInt8(ascii: "["):
      try push(UInt8(ascii: "]"))
      return closes()
    case UInt8(ascii: "\""): try scanString()
    case UInt8(ascii: "t"): try scanWord("true")
    case UInt8(ascii: "f"): try scanWord("false")
    case UInt8(ascii: "n"): try scanWord("null")
    case .some(UInt8(ascii: "0")...UInt8(ascii: "9")), UInt8(ascii: "-"): try scanNumber()
    case nil: throw problem("the document ends where a value is expected")
    default: throw problem("a value is expected")
    }
    return true
  }

  /// After a value: closes what ends here and goes to the next value.
  ///
  /// Tells whether the document is complete.
  private mutating func finishValues() throws(JSONError) -> Bool {
    while let closing = open.last {
      if open.count == 1, closing == UInt8(ascii: "}") { addMember() }
      skipBlanks()
      switch current {
      case closing:
        position += 1
        open.removeLast()
      case UInt8(ascii: ","):
        position += 1
        skipBlanks()
        if closing == UInt8(ascii: "}") { try scanName() }
        return false
      case nil: throw problem("the document ends inside a list or an object")
      default: throw problem("a comma or the closing bracket is expected")
      }
    }
    return true
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func problem(_ text: String) -> JSONError { .syntax(text, offset: position) }

  private mutating func skipBlanks() {
    while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
  }

  private mutating func push(_ closing: UInt8) throws(JSONError) {
    guard open.count < Self.depthLimit else { throw .tooDeep(limit: Self.depthLimit, offset: position) }
    open.append(closing)
    position += 1
    skipBlanks()
  }

  /// Takes the closing bracket of a list or an object that is empty.
  private mutating func closes() -> Bool {
    guard current == open.last else { return false }
    open.removeLast()
    position += 1
    return true
  }

  /// A member's name and the colon after it.
  private mutating func scanName() throws(JSONError) {
    guard current == UInt8(ascii: "\"") else { throw problem("the name of a member is expected") }
    let start = position
    try scanString()
    if open.count == 1 { memberName = start + 1..<position - 1 }
    skipBlanks()
    guard current == UInt8(ascii: ":") else { throw problem("a colon is expected") }
    position += 1
  }

  private mutating func addMember() {
    let name = RawJSONName.unescape(bytes[memberName])
    members.append(RawJSON.Member(name: name, value: memberStart..<position))
  }

  private mutating func scanString() throws(JSONError) {
    position += 1
    while let byte = current {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return
      case UInt8(ascii: "\\"): try scanEscape()
      case 0..<0x20:
        position -= 1
        throw problem("a control character in a string")
      default: break
      }
    }
    throw problem("the document ends inside a string")
  }

  private mutating func scanEscape() throws(JSONError) {
    switch current {
    case UInt8(ascii: "u"):
      position += 1
      for _ in 0..<4 {
        guard let digit = current, RawJSONName.hexValue(digit) != nil else {
          throw problem("four hexadecimal digits are expected")
        }
        position += 1
      }
    case .some(let byte) where #""\/bfnrt"#.utf8.contains(byte): position += 1
    default: throw problem("no such escape in a string")
    }
  }

  private mutating func scanWord(_ word: StaticString) throws(JSONError) {
    let end = position + word.utf8CodeUnitCount
    let matches = word.withUTF8Buffer { end <= bytes.count && bytes[position..<end].elementsEqual($0) }
    guard matches else { throw problem("a value is expected") }
    position = end
  }

  private mutating func scanNumber() throws(JSONError) {
    if current == UInt8(ascii: "-") { position += 1 }
    if current == UInt8(ascii: "0") {
      position += 1
    } else {
      try scanDigits()
    }
    if current == UInt8(ascii: ".") {
      position += 1
      try scanDigits()
    }
    guard current == UInt8(ascii: "e") || current == UInt8(ascii: "E") else { return }
    position += 1
    if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
    try scanDigits()
  }

  private mutating func scanDigits() throws(JSONError) {
    let start = position
    while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { throw problem("a digit is expected") }
  }
}
