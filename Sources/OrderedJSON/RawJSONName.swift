/// Removes escapes as Go's `unquote` does.
enum RawJSONName {
  private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

  /// The text in UTF-8 of a string whose escapes were checked, given without its quotation marks.
  static func unescape(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var rest = text
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    while let byte = rest.first {
      if byte == UInt8(ascii: "\\") {
        output += takeEscape(&rest)
      } else if byte < 0x80 {
        output.append(byte)
        rest.removeFirst()
      } else {
        output += takeCharacter(&rest)
      }
    }
    return output
  }

  /// The value of a hexadecimal digit of either case.
  static func hexValue(_ digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(digit - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(digit - UInt8(ascii: "A")) + 10
    default: nil
    }
  }

  /// A character outside ASCII, or U+FFFD for one byte that begins none.
  private static func takeCharacter(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
    for count in 2...4 where rest.count >= count {
      let bytes = Array(rest.prefix(count))
      if String(validating: bytes, as: UTF8.self) != nil {
        rest = rest.dropFirst(count)
        return bytes
      }
    }
    rest.removeFirst()
    return replacement
  }

  private static func takeEscape(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
    let letter = rest[rest.startIndex + 1]
    guard letter == UInt8(ascii: "u") else {
      rest = rest.dropFirst(2)
      return [simpleEscape(letter)]
    }
    let first = codeUnit(rest)
    rest = rest.dropFirst(6)
    if (0xD800..<0xDC00).contains(first), rest.starts(with: #"\u"#.utf8) {
      let second = codeUnit(rest)
      if (0xDC00..<0xE000).contains(second) {
        rest = rest.dropFirst(6)
        return encode(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      }
    }
    return encode(first)
  }

  private static func simpleEscape(_ letter: UInt8) -> UInt8 {
    switch letter {
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: letter
    }
  }

  /// The number in `\uXXXX` at the beginning.
  private static func codeUnit(_ text: ArraySlice<UInt8>) -> UInt32 {
    text.dropFirst(2).prefix(4).reduce(0) { $0 << 4 | (hexValue($1) ?? 0) }
  }

  private static func encode(_ value: UInt32) -> [UInt8] {
    Unicode.Scalar(value).map { Array(String($0).utf8) } ?? replacement
  }
}
