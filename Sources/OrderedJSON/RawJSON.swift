/// The text of a document whose bytes count.
///
/// Checked with the rules of Go's encoding/json, which every other image tool reads with. Accepted are so,
/// beyond what `JSONValue` accepts: any bytes from 0x80 in strings, lone surrogates, numbers of any size,
/// repeated names, and 10,000 levels. Nothing recurses.
public struct RawJSON: Sendable {
  /// What the document is.
  public enum Kind: Sendable, Hashable {
    /// An object, whose members are known.
    case object
    /// A list.
    case array
    /// A string.
    case string
    /// A number.
    case number
    /// `true` or `false`.
    case bool
    /// `null`.
    case null
  }

  /// A member of the outermost object.
  public struct Member: Sendable, Hashable {
    /// The name in UTF-8 as Go unescapes it: U+FFFD stands for each byte that is not UTF-8 and each lone
    /// surrogate.
    public let name: [UInt8]
    /// Where the value's text is in the document, without white space around it.
    public let value: Range<Int>
  }

  /// The document as it was given.
  public let bytes: [UInt8]
  /// What the document is.
  public let kind: Kind
  /// The members of the outermost object in order, with repetitions; empty when the document is something
  /// else.
  public let members: [Member]
  /// Where the document's text is, without white space around it.
  public let range: Range<Int>

  /// Checks a whole document; white space around it is allowed.
  public init(_ bytes: [UInt8]) throws(JSONError) {
    var scanner = RawJSONScanner(bytes)
    range = try scanner.scanDocument()
    members = scanner.members
    kind = RawJSONScanner.kind(of: bytes[range.lowerBound])
    self.bytes = bytes
  }

  /// The last member of that name, compared byte by byte; it is the one that counts for Go.
  public subscript(_ name: String) -> Member? { members.last { $0.name.elementsEqual(name.utf8) } }

  /// The text of the member's value, as it stands in the document.
  public func text(of member: Member) -> [UInt8] { Array(bytes[member.value]) }

  /// A part of the document as Go's `json.Marshal` writes raw text.
  ///
  /// White space outside strings is dropped, and `<`, `>`, `&`, U+2028 and U+2029 are escaped; everything
  /// else stays as it is (docker-archive-bytes.md, "JSON serialisation").
  ///
  /// - Precondition: `range` is that of a member's value, or the document's.
  public func compact(_ range: Range<Int>) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(range.count)
    var inString = false
    var position = range.lowerBound
    while position < range.upperBound {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        inString.toggle()
        output.append(byte)
      case UInt8(ascii: "\\"):
        // Only in strings; the next byte may be a quotation mark that does not end it.
        output.append(byte)
        position += 1
        output.append(bytes[position])
      case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
        output += #"\u00"#.utf8
        output += String(byte, radix: 16).utf8
      case 0xE2 where isLineSeparator(at: position, before: range.upperBound):
        output += (bytes[position + 2] == 0xA8 ? #"\u2028"# : #"\u2029"#).utf8
        position += 2
      case 0x20, 0x09, 0x0A, 0x0D:
        if inString { output.append(byte) }
      default: output.append(byte)
      }
      position += 1
    }
    return output
  }

  /// The whole document, as `compact(_:)` writes it.
  public func compact() -> [UInt8] { compact(range) }

  private func isLineSeparator(at position: Int, before end: Int) -> Bool {
    position + 2 < end && bytes[position + 1] == 0x80 && bytes[position + 2] & 0xFE == 0xA8
  }
}

extension RawJSON {
  /// The document with another value of a member, which is added at the end when it is not there.
  ///
  /// All other bytes stay.
  ///
  /// Where the name is repeated, the last member is changed: that one counts.
  ///
  /// - Precondition: This is an object.
  public func setting(_ name: String, to value: JSONValue) throws(JSONError) -> RawJSON {
    try setting(name, toText: value.serialized())
  }

  /// The same with the text of a value, which is taken as it is.
  public func setting(_ name: String, toText text: [UInt8]) throws(JSONError) -> RawJSON {
    precondition(kind == .object, "a member set in JSON that is not an object")
    if let member = self[name] {
      return try RawJSON(Array(bytes[..<member.value.lowerBound]) + text + bytes[member.value.upperBound...])
    }
    let end = members.last?.value.upperBound ?? range.upperBound - 1
    var result = Array(bytes[..<end])
    if !members.isEmpty { result.append(UInt8(ascii: ",")) }
    result += JSONValue.string(name).serialized()
    result.append(UInt8(ascii: ":"))
    result += text
    return try RawJSON(result + bytes[end...])
  }
  /// The document without the members of that name.
  ///
  /// All other bytes stay.
  ///
  /// - Precondition: This is an object.
  public func removing(_ name: String) throws(JSONError) -> RawJSON {
    precondition(kind == .object, "a member removed from JSON that is not an object")
    guard let position = members.lastIndex(where: { $0.name.elementsEqual(name.utf8) }) else { return self }
    let end = members[position].value.upperBound
    if position > 0 {
      return try without(members[position - 1].value.upperBound..<end).removing(name)
    }
    let start = range.lowerBound + 1
    guard members.count > 1, let comma = bytes[end...].firstIndex(of: UInt8(ascii: ",")) else {
      return try without(start..<end)
    }
    return try without(start..<comma + 1)
  }

  private func without(_ part: Range<Int>) throws(JSONError) -> RawJSON {
    try RawJSON(Array(bytes[..<part.lowerBound] + bytes[part.upperBound...]))
  }
}
