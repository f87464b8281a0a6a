/// Nix's base 32: an alphabet of its own, least significant bits last (nix-integration.md, section 3).
public enum NixBase32 {
  /// The digits in order; `e`, `o`, `t` and `u` are left out.
  public static let alphabet = "0123456789abcdfghijklmnpqrsvwxyz"
  private static let digits = Array(alphabet.utf8)
  private static let values: [UInt8: UInt8] = Dictionary(
    uniqueKeysWithValues: zip(digits, 0..<32))

  /// The number of digits for so many bytes.
  static func digitCount(byteCount: Int) -> Int { (byteCount * 8 + 4) / 5 }

  /// The text of `bytes`.
  public static func encode(_ bytes: [UInt8]) -> String {
    let text = (0..<digitCount(byteCount: bytes.count)).reversed().map { digit in
      let (byte, shift) = (digit * 5).quotientAndRemainder(dividingBy: 8)
      let high = byte + 1 < bytes.count ? UInt16(bytes[byte + 1]) << 8 : 0
      return digits[Int((high | UInt16(bytes[byte])) >> UInt16(shift) & 31)]
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes that `text` spells, or nil when it has a foreign character, an impossible length, or bits
  /// beyond the last byte.
  public static func decode(_ text: some StringProtocol) -> [UInt8]? {
    let characters = Array(text.utf8)
    let byteCount = characters.count * 5 / 8
    guard digitCount(byteCount: byteCount) == characters.count else { return nil }
    // One byte more takes what the most significant digit has beyond the last one.
    var bytes = [UInt8](repeating: 0, count: byteCount + 1)
    for (digit, character) in characters.reversed().enumerated() {
      guard let value = values[character] else { return nil }
      let (byte, shift) = (digit * 5).quotientAndRemainder(dividingBy: 8)
      let bits = UInt16(value) << UInt16(shift)
      bytes[byte] |= UInt8(truncatingIfNeeded: bits)
      if byte < byteCount { bytes[byte + 1] |= UInt8(bits >> 8) }
    }
    return bytes.removeLast() == 0 ? bytes : nil
  }
}
