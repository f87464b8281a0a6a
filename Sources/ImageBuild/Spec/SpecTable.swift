import OrderedJSON

/// The keys of one kind of spec.
struct SpecTable: Sendable {
  /// What the spec describes, for the schema.
  let title: String
  /// All of it.
  let keys: [SpecKey]
  /// What to write instead of keys that people know from elsewhere.
  let advice: [String: String]

  /// The JSON Schema (draft 2020-12) of such a spec.
  var schema: JSONObject {
    var schema: JSONObject = [
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": .string(title), "type": "object",
    ]
    schema.append(contentsOf: SpecKey.schema(of: keys))
    return schema
  }

  /// Reads a document and tells everything that is wrong with single values of it.
  func read(_ bytes: [UInt8]) throws(SpecError) -> (values: SpecValues, problems: [SpecProblem]) {
    let document: JSONValue
    do throws(JSONError) {
      document = try JSONValue(parsing: bytes)
    } catch {
      throw .json(error)
    }
    guard let object = document.object else {
      throw .problems([
        .unsuitable(key: "", expected: "an object", found: document.kindName, suggestion: nil)
      ])
    }
    var checker = SpecChecker(advice: advice)
    checker.check(object, against: keys)
    return (SpecValues(members: object, keys: keys), checker.problems)
  }
}

/// The values of a spec, with defaults for what is absent or null.
struct SpecValues: Sendable {
  let members: JSONObject
  let keys: [SpecKey]

  /// The value of a key.
  ///
  /// - Precondition: The key is in the table.
  subscript(_ name: String) -> JSONValue {
    guard let key = keys.first(where: { $0.name == name }) else {
      preconditionFailure("the key \(name) is not in the table of the spec")
    }
    guard let value = members[name], !value.isNull else { return key.fallback ?? .null }
    return value
  }

  /// Whether the spec has no value for a key.
  func isAbsent(_ name: String) -> Bool { members[name]?.isNull ?? true }

  /// A string; nil for null and for other kinds, which are problems.
  func text(_ name: String) -> String? { self[name].string }

  /// A whole number.
  func number(_ name: String) -> Int64? { self[name].wholeNumber }

  /// A truth value.
  func flag(_ name: String) -> Bool { self[name].bool ?? false }

  /// A word of a choice.
  func choice<Value: RawRepresentable>(_ name: String) -> Value? where Value.RawValue == String {
    text(name).flatMap { Value(rawValue: $0) }
  }

  /// One string or several.
  func texts(_ name: String) -> [String] {
    text(name).map { [$0] } ?? (self[name].array ?? []).compactMap(\.string)
  }
}
