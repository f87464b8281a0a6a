import OrderedJSON

/// Compares a document with the shapes of its keys and collects everything that is wrong.
struct SpecChecker {
  /// What was found so far, in the order of the document.
  private(set) var problems: [SpecProblem] = []
  /// What to write instead of keys that are right elsewhere.
  let advice: [String: String]

  init(advice: [String: String] = [:]) { self.advice = advice }

  /// Checks the members of an object, whose own key is `path` (empty for the document).
  mutating func check(_ object: JSONObject, against keys: [SpecKey], at path: String = "") {
    for member in object.members {
      let place = path.isEmpty ? member.name : "\(path).\(member.name)"
      guard let key = keys.first(where: { $0.name.utf8.elementsEqual(member.name.utf8) }) else {
        problems.append(.unknownKey(Self.shown(place), advice: advice(for: member.name, keys)))
        continue
      }
      if member.value.isNull, key.fallback != nil { continue }
      check(member.value, against: key.shape, at: place)
    }
    for key in keys where key.fallback == nil && object[key.name] == nil {
      let place = path.isEmpty ? key.name : "\(path).\(key.name)"
      problems.append(.missing(place, expected: key.shape.expectation))
    }
  }

  private func advice(for name: String, _ keys: [SpecKey]) -> String? {
    if let advice = advice[name] { return advice }
    return NearestName.find(name, among: keys.map(\.name)).map { "did you mean “\($0)”?" }
  }

  /// Checks one value.
  mutating func check(_ value: JSONValue, against shape: SpecShape, at path: String) {
    switch (shape, value) {
    case (.text(let rule), .string(let text)): check(text, rule, at: path)
    case (.choice(let words), .string(let text)):
      if !words.contains(text) {
        refuse(value, shape.expectation, at: path, suggestion: NearestName.find(text, among: words))
      }
    case (.integer(let range, let refused), .number):
      if value.wholeNumber.map({ range.contains($0) && !refused.contains($0) }) != true {
        refuse(value, shape.expectation, at: path)
      }
    case (.boolean, .bool), (.object, .object): break
    case (.map(let element), .object(let object)):
      for member in object.members { check(member.value, against: element, at: "\(path).\(member.name)") }
    case (.list(let element, let minimum), .array(let elements)):
      if elements.count < minimum { refuse(value, shape.expectation, at: path) }
      for (index, value) in elements.enumerated() { check(value, against: element, at: "\(path)[\(index)]") }
    case (.record(let keys), .object(let object)): check(object, against: keys, at: path)
    case (.either(let shapes), _):
      if let shape = shapes.first(where: { $0.isKind(of: value) }) {
        check(value, against: shape, at: path)
      } else {
        refuse(value, shape.expectation, at: path)
      }
    default: refuse(value, shape.expectation, at: path)
    }
  }

  private mutating func check(_ text: String, _ rule: SpecText, at path: String) {
    do throws(SpecText.Refusal) {
      try rule.check(text)
    } catch {
      refuse(.string(text), error.expected, at: path, suggestion: error.suggestion)
    }
  }

  private mutating func refuse(
    _ value: JSONValue, _ expected: String, at path: String, suggestion: String? = nil
  ) {
    problems.append(
      .unsuitable(
        key: Self.shown(path), expected: expected, found: Self.shown(value), suggestion: suggestion))
  }

  /// A value as it is written in JSON, if it is short; lists and objects by their kind.
  private static func shown(_ value: JSONValue) -> String {
    switch value {
    case .array(let elements): elements.isEmpty ? "an empty list" : value.kindName
    case .object: value.kindName
    case .string(let text): shown(value, isLong: text.utf8.count > 60, short: .string(text.prefix(50) + "…"))
    default: String(decoding: value.serialized().prefix(60), as: UTF8.self)
    }
  }

  private static func shown(_ value: JSONValue, isLong: Bool, short: JSONValue) -> String {
    String(decoding: (isLong ? short : value).serialized(), as: UTF8.self)
  }

  /// A key without line breaks and other control characters.
  private static func shown(_ key: String) -> String {
    String(
      decoding: JSONValue.string(String(key.prefix(120))).serialized().dropFirst().dropLast(), as: UTF8.self)
  }
}
