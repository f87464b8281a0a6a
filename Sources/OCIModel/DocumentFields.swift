import OrderedJSON

/// Reads the members of one object of a document, and says in errors where it is.
///
/// `null` counts as missing, as in Go. A member whose name equals a known one but for case is refused
/// wherever it appears, because Go's readers would take it (registry-protocol.md, section 15).
struct DocumentFields {
  private let object: JSONObject
  private let path: String

  /// - Parameter known: The names with a meaning here.
  init(_ value: JSONValue, path: String, known: Set<String>) throws(DocumentError) {
    guard let object = value.object else {
      throw .wrongKind(
        field: path.isEmpty ? "(document)" : path, expected: "an object", found: value.kindName)
    }
    self.init(object: object, path: path, known: known)
    for name in object.names where !known.contains(exactly: name) {
      let folded = name.foldedLikeGo
      if let meant = known.first(where: { $0.foldedLikeGo == folded }) {
        throw .misspelled(field: field(name), expected: meant)
      }
    }
  }

  /// The members without a meaning here, in order.
  let others: JSONObject

  /// The same object, of which fewer members have a meaning.
  func narrowed(to known: Set<String>) -> DocumentFields {
    DocumentFields(object: object, path: path, known: known)
  }

  private init(object: JSONObject, path: String, known: Set<String>) {
    self.object = object
    self.path = path
    others = JSONObject(object.members.filter { !known.contains(exactly: $0.name) })
  }

  /// The path of a member.
  func field(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// Whether the member is there and not null.
  func has(_ name: String) -> Bool { self[name] != nil }

  /// Whether the member is there, be it null.
  func isWritten(_ name: String) -> Bool { object[name] != nil }

  /// The value, unless missing or null.
  subscript(_ name: String) -> JSONValue? { object[name].flatMap { $0.isNull ? nil : $0 } }

  func wrongKind(_ name: String, _ expected: String, _ found: JSONValue) -> DocumentError {
    .wrongKind(field: field(name), expected: expected, found: found.kindName)
  }

  func string(_ name: String) throws(DocumentError) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = value.string else { throw wrongKind(name, "a string", value) }
    return text
  }

  func required(_ name: String) throws(DocumentError) -> String {
    guard let text = try string(name) else { throw .missing(field: field(name)) }
    return text
  }

  func list(_ name: String, limit: Int) throws(DocumentError) -> [JSONValue] {
    guard let value = self[name] else { return [] }
    guard let elements = value.array else { throw wrongKind(name, "a list", value) }
    guard elements.count <= limit else {
      throw .tooMany(field: field(name), count: elements.count, limit: limit)
    }
    return elements
  }

  func strings(_ name: String) throws(DocumentError) -> [String] {
    var texts: [String] = []
    for (position, element) in try list(name, limit: 1000).enumerated() {
      guard let text = element.string else { throw wrongKind("\(name)[\(position)]", "a string", element) }
      texts.append(text)
    }
    return texts
  }

  func annotations(_ name: String) throws(DocumentError) -> Annotations {
    var annotations = Annotations()
    guard let value = self[name] else { return annotations }
    guard let object = value.object else { throw wrongKind(name, "an object", value) }
    for member in object.members {
      guard let text = member.value.string else {
        throw wrongKind("\(name).\(member.name)", "a string", member.value)
      }
      annotations.append(member.name, text)
    }
    return annotations
  }

  func descriptors(_ name: String, limit: Int) throws(DocumentError) -> [Descriptor] {
    var descriptors: [Descriptor] = []
    for (position, element) in try list(name, limit: limit).enumerated() {
      descriptors.append(try Descriptor(json: element, path: field("\(name)[\(position)]")))
    }
    return descriptors
  }
}

extension Set<String> {
  /// By bytes, not by canonical equivalence.
  fileprivate func contains(exactly name: String) -> Bool {
    name.utf8.allSatisfy { $0 < 0x80 } && contains(name)
  }
}

extension String {
  /// The form in which Go's encoding/json compares names: without case, long s as s, and the Kelvin sign as
  /// k.
  var foldedLikeGo: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { scalar in
          switch scalar {
          case "A"..."Z": Unicode.Scalar(UInt8(scalar.value) + 0x20)
          case "\u{17F}": "s"
          case "\u{212A}": "k"
          default: scalar
          }
        }))
  }
}

extension JSONObject {
  fileprivate init(_ members: [Member]) {
    self.init()
    for member in members { append(member.name, member.value) }
  }
}
