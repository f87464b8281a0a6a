/// Why some bytes are not an acceptable JSON document.
public enum JSONError: Error, Hashable, CustomStringConvertible {
  /// The document is longer than allowed. Both in bytes.
  case tooLarge(byteCount: Int, limit: Int)
  /// Lists and objects lie in each other more often than allowed; the bracket is at `offset`.
  case tooDeep(limit: Int, offset: Int)
  /// Two members of one object have the same name; what is known of it is in `near`.
  case duplicateMember(near: String, offset: Int)
  /// The text breaks the grammar, or has something that cannot be represented. `offset` is in bytes from the
  /// start.
  case syntax(String, offset: Int)

  /// One line for people.
  public var description: String {
    switch self {
    case .tooLarge(let byteCount, let limit):
      "the JSON document has \(byteCount) bytes; at most \(limit) are accepted"
    case .tooDeep(let limit, let offset):
      "the JSON document nests deeper than \(limit) levels at byte \(offset)"
    case .duplicateMember(let near, let offset):
      "the JSON document has two members of one name at byte \(offset): \(near)"
    case .syntax(let problem, let offset):
      "not valid JSON at byte \(offset): \(problem)"
    }
  }
}
