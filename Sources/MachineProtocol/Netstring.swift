/// Byte strings behind each other, each as `LENGTH:BYTES,` with the length in decimal digits.
///
/// What host and guest tell each other consists of them: any bytes pass, and a reader knows at once how much is to come.
public enum Netstring {
  /// Appends one to `output`.
  public static func append(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
    output += "\(bytes.count):".utf8
    output += bytes
    output.append(UInt8(ascii: ","))
  }

  /// Takes the first one from the beginning of `input`; nil when it is not complete yet.
  ///
  /// - Throws: `MalformedMessage` when it cannot become one, or when it has more than `limit` bytes.
  public static func take(from input: inout ArraySlice<UInt8>, limit: Int) throws(MalformedMessage)
    -> ArraySlice<UInt8>?
  {
    let digits = input.prefix { $0 != UInt8(ascii: ":") }
    guard digits.count <= 9, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw MalformedMessage("a length that is not a number")
    }
    guard digits.endIndex < input.endIndex else { return nil }
    guard let count = Int(String(decoding: digits, as: UTF8.self)), count <= limit else {
      throw MalformedMessage("a length above \(limit)")
    }
    let body = input[(digits.endIndex + 1)...]
    guard body.count > count else { return nil }
    let end = body.startIndex + count
    guard body[end] == UInt8(ascii: ",") else { throw MalformedMessage("a string without its end") }
    input = body[(end + 1)...]
    return body[..<end]
  }

  /// All that `input` consists of.
  ///
  /// - Throws: `MalformedMessage`.
  public static func all(in input: some Collection<UInt8>) throws(MalformedMessage) -> [[UInt8]] {
    var rest = Array(input)[...]
    var found: [[UInt8]] = []
    while !rest.isEmpty {
      guard let next = try take(from: &rest, limit: rest.count) else {
        throw MalformedMessage("a string without its end")
      }
      found.append(Array(next))
    }
    return found
  }
}

/// Bytes between host and guest that are not what they agreed on.
public struct MalformedMessage: Error, Hashable, CustomStringConvertible {
  /// What was found.
  public let found: String

  /// That was found.
  public init(_ found: String) { self.found = found }

  /// One line for people.
  public var description: String { "a message between host and guest is damaged: \(found)" }
}
