/// A file name as Python sees it: UTF-8, with each byte that is not as a lone surrogate (PEP 383, "surrogateescape").
///
/// nixpkgs' stream script sorts such texts and measures their length, so both have to be known exactly.
public struct PythonText: Sendable, Hashable {
  /// The code points; a byte `b` outside UTF-8 is U+DC00 + `b`.
  public private(set) var codePoints: [UInt32] = []
  /// Whether every byte belonged to UTF-8.
  public private(set) var isUTF8 = true

  /// Decodes `bytes`.
  public init(_ bytes: some Collection<UInt8>) {
    codePoints.reserveCapacity(bytes.count)
    var rest = Array(bytes)[...]
    while let first = rest.first {
      if let (codePoint, length) = Self.decode(rest) {
        codePoints.append(codePoint)
        rest = rest.dropFirst(length)
      } else {
        isUTF8 = false
        codePoints.append(0xDC00 + UInt32(first))
        rest = rest.dropFirst()
      }
    }
  }

  static func isASCII(_ byte: UInt8) -> Bool { byte < 0x80 }

  /// Each code point outside ASCII as a question mark.
  static func replacingNonASCII(_ bytes: [UInt8]) -> [UInt8] {
    if bytes.allSatisfy(isASCII) { return bytes }
    return PythonText(bytes).codePoints.map { $0 < 0x80 ? UInt8($0) : UInt8(ascii: "?") }
  }

  /// The well-formed sequence at the beginning (The Unicode Standard, table 3-7).
  private static func decode(_ bytes: ArraySlice<UInt8>) -> (codePoint: UInt32, length: Int)? {
    guard let first = bytes.first else { return nil }
    if first < 0x80 { return (UInt32(first), 1) }
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch first {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    case 0xF1...0xF3: length = 4
    default: return nil
    }
    let rest = bytes.dropFirst().prefix(length - 1)
    guard rest.count == length - 1, let next = rest.first, second.contains(next),
      rest.allSatisfy({ (0x80...0xBF).contains($0) })
    else { return nil }
    let start = UInt32(first) & (0x7F >> UInt32(length))
    return (rest.reduce(start) { $0 << 6 | UInt32($1 & 0x3F) }, length)
  }
}

extension PythonText: Comparable {
  /// Whether Python sorts `left` before `right`: by code points.
  public static func < (left: PythonText, right: PythonText) -> Bool {
    left.codePoints.lexicographicallyPrecedes(right.codePoints)
  }
}
