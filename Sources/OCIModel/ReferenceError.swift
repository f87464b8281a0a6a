public import Hashing

/// Why a text is not a reference.
///
/// The first value of each case is the whole text, the second the part that is wrong.
public enum ReferenceError: Error, Hashable, CustomStringConvertible {
  /// There is no text.
  case empty
  /// 64 hexadecimal digits, which Docker takes for the identifier of a local image.
  case onlyHex(String)
  /// Nothing stands where the repository should be.
  case emptyName(String)
  /// The host or port is malformed.
  case domain(String, String)
  /// The repository has capital letters.
  case upperCase(String, String)
  /// A component of the repository is malformed.
  case path(String, String)
  /// Domain and repository together have more than 255 bytes.
  case nameTooLong(String, byteCount: Int)
  /// The tag is malformed.
  case tag(String, String)
  /// The digest is malformed or of an algorithm that cannot be checked.
  case digest(String, DigestError)

  /// One line for people.
  public var description: String {
    switch self {
    case .empty: "an image reference is missing: expected NAME[:TAG][@DIGEST]"
    case .onlyHex(let text):
      "“\(text)” is 64 hexadecimal digits, not an image name; for a digest write NAME@sha256:\(text)"
    case .emptyName(let text):
      "image reference “\(text)” has no repository name: expected NAME[:TAG][@DIGEST]"
    case .domain(let text, let part):
      Self.domainProblem(text, part)
    case .upperCase(let text, let part):
      "image reference “\(text)”: “\(part)” has capital letters; write “\(part.lowercased())”"
    case .path(let text, let part):
      "image reference “\(text)”: “\(part)” is not a repository component: lower-case letters and digits, "
        + "joined by ., _, __ or hyphens"
    case .nameTooLong(let text, let count):
      "image reference “\(text)”: registry and repository have \(count) bytes; at most 255 are allowed"
    case .tag(let text, let part):
      "image reference “\(text)”: “\(part)” is not a tag: 1 to 128 letters, digits, _, . and -, "
        + "not beginning with . or -"
    case .digest(let text, let problem): "image reference “\(text)”: \(problem)"
    }
  }

  private static func domainProblem(_ text: String, _ part: String) -> String {
    if part.hasSuffix(":") {
      return "image reference “\(text)”: “\(part)” is not a registry; leave out \(part)//"
    }
    return "image reference “\(text)”: “\(part)” is not a registry: expected HOST[:PORT] or [IPV6][:PORT]"
  }
}
