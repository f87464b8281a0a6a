/// How a document is laid out.
public enum JSONStyle: Sendable, Hashable {
  /// No white space at all.
  case compact
  /// One member or element a line, indented by that many blanks a level; no newline at the end.
  case indented(by: Int)
  /// As `json.dumps(…, indent: width)` of Python: like `indented`, with DEL and everything outside ASCII as `\uXXXX`.
  case python(indent: Int)
  /// As `jshon` and jansson: indented by a blank a level, `/` as `\\/`, a newline at the end.
  case jshon
}

extension JSONValue {
  /// The text of this value, always the same for the same value.
  ///
  /// Members stay in their order. Escaped are only quotation mark, backslash and control characters (`\b \t
  /// \n \f \r` by name).
  public func serialized(_ style: JSONStyle = .compact) -> [UInt8] {
    var writer = JSONWriter(style: style)
    writer.write(self, level: 0)
    return writer.output + (style == .jshon ? [UInt8(ascii: "\n")] : [])
  }
}

/// Collects the text of a value.
struct JSONWriter {
  private(set) var output: [UInt8] = []
  private let indentation: Int?
  private let isASCII: Bool
  private let escapesSlashes: Bool

  init(style: JSONStyle) {
    escapesSlashes = style == .jshon
    switch style {
    case .compact: (indentation, isASCII) = (nil, false)
    case .indented(let width): (indentation, isASCII) = (width, false)
    case .python(let width): (indentation, isASCII) = (width, true)
    case .jshon: (indentation, isASCII) = (1, false)
    }
  }

  mutating func write(_ value: JSONValue, level: Int) {
    switch value {
    case .null: output += "null".utf8
    case .bool(let value): output += (value ? "true" : "false").utf8
    case .number(let text): output += text.utf8
    case .string(let text): write(text)
    case .array(let elements): write(elements, level: level)
    case .object(let object): write(object, level: level)
    }
  }

  private mutating func write(_ elements: [JSONValue], level: Int) {
    output.append(UInt8(ascii: "["))
    for (position, element) in elements.enumerated() {
      if position > 0 { output.append(UInt8(ascii: ",")) }
      breakLine(level: level + 1)
      write(element, level: level + 1)
    }
    if !elements.isEmpty { breakLine(level: level) }
    output.append(UInt8(ascii: "]"))
  }

  private mutating func write(_ object: JSONObject, level: Int) {
    output.append(UInt8(ascii: "{"))
    for (position, member) in object.members.enumerated() {
      if position > 0 { output.append(UInt8(ascii: ",")) }
      breakLine(level: level + 1)
      write(member.name)
      output.append(UInt8(ascii: ":"))
      if indentation != nil { output.append(UInt8(ascii: " ")) }
      write(member.value, level: level + 1)
    }
    if !object.isEmpty { breakLine(level: level) }
    output.append(UInt8(ascii: "}"))
  }

  private mutating func breakLine(level: Int) {
    guard let indentation else { return }
    output.append(UInt8(ascii: "\n"))
    output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation * level))
  }

  private mutating func write(_ text: String) {
    if isASCII, !text.utf8.allSatisfy({ $0 < 0x7F }) { return writeASCII(text) }
    output.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
      case UInt8(ascii: "/") where escapesSlashes: output += #"\/"#.utf8
      case 0..<0x20: escape(control: byte)
      default: output.append(byte)
      }
    }
    output.append(UInt8(ascii: "\""))
  }

  /// The text with UTF-16 code units for what is not ASCII.
  private mutating func writeASCII(_ text: String) {
    output.append(UInt8(ascii: "\""))
    for unit in text.utf16 {
      switch UInt8(exactly: unit) {
      case UInt8(ascii: "\"")?, UInt8(ascii: "\\")?: output += [UInt8(ascii: "\\"), UInt8(unit)]
      case (0..<0x20)?: escape(control: UInt8(unit))
      case (0x20..<0x7F)?: output.append(UInt8(unit))
      default:
        let digits = String(unit, radix: 16)
        output += "\\u\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)".utf8
      }
    }
    output.append(UInt8(ascii: "\""))
  }

  private mutating func escape(control byte: UInt8) {
    switch byte {
    case 0x08: output += #"\b"#.utf8
    case 0x09: output += #"\t"#.utf8
    case 0x0A: output += #"\n"#.utf8
    case 0x0C: output += #"\f"#.utf8
    case 0x0D: output += #"\r"#.utf8
    default:
      output += ((byte < 16 ? #"\u000"# : #"\u00"#) + String(byte, radix: 16, uppercase: escapesSlashes)).utf8
    }
  }
}
