public import OrderedJSON

/// Why some bytes are not a manifest, an index or an image config.
///
/// Fields are paths like `layers[2].digest`.
public enum DocumentError: Error, Hashable, CustomStringConvertible {
  /// The document is longer than allowed. Both in bytes.
  case tooLarge(byteCount: Int, limit: Int)
  /// The document begins with a byte order mark.
  case byteOrderMark
  /// The document is not JSON, or JSON that two readers understand differently.
  case json(JSONError)
  /// A field that must be there is not.
  case missing(field: String)
  /// A field has a value of another kind.
  case wrongKind(field: String, expected: String, found: String)
  /// The value of a field is not possible.
  case invalid(field: String, found: String, expected: String)
  /// A field is spelt with other letters; readers in Go would take it for the right one.
  case misspelled(field: String, expected: String)
  /// A list has too many elements.
  case tooMany(field: String, count: Int, limit: Int)
  /// The server says one type and the document another.
  case typeMismatch(contentType: MediaType, mediaType: MediaType)
  /// The document has fields of two kinds of document.
  case ambiguous(fields: [String])
  /// A Docker manifest of schema 1.
  case schema1
  /// The type is none that is understood.
  case unknownType(MediaType)
  /// There is no type, and the content is of no known kind.
  case unknownContent

  /// One line for people.
  public var description: String {
    switch self {
    case .tooLarge(let byteCount, let limit):
      "the document has \(byteCount) bytes; at most \(limit) are accepted"
    case .byteOrderMark: "the document begins with a byte order mark, which JSON does not allow"
    case .json(let problem): problem.description
    case .missing(let field): "field “\(field)” is missing"
    case .wrongKind(let field, let expected, let found):
      "field “\(field)” is \(found) where \(expected) is expected"
    case .invalid(let field, let found, let expected):
      "field “\(field)” is “\(found)”; expected \(expected)"
    case .misspelled(let field, let expected):
      "field “\(field)” must be spelt “\(expected)”; readers that ignore case would be misled"
    case .tooMany(let field, let count, let limit):
      "field “\(field)” has \(count) elements; at most \(limit) are accepted"
    case .typeMismatch(let contentType, let mediaType):
      "the server calls the document \(contentType), but it calls itself \(mediaType)"
    case .ambiguous(let fields):
      "the document has fields of different kinds of manifest: \(fields.joined(separator: ", "))"
    case .schema1: "Docker schema 1 manifest, withdrawn; the image must be pushed to the registry again"
    case .unknownType(let type):
      "documents of type “\(type)” are not understood; expected an OCI or Docker manifest or index"
    case .unknownContent: "the document is neither an image manifest nor an index"
    }
  }
}

extension DocumentError {
  /// Runs a reader of JSON, with its errors as errors of the document.
  static func json<Value>(_ read: () throws(JSONError) -> Value) throws(DocumentError) -> Value {
    do throws(JSONError) {
      return try read()
    } catch {
      throw .json(error)
    }
  }
}
