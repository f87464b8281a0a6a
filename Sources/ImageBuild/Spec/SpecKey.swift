import OrderedJSON

/// One key of a spec: everything the parser, the messages and the JSON Schema say of it.
struct SpecKey: Sendable {
  /// As it is written.
  let name: String
  /// What its value looks like.
  let shape: SpecShape
  /// The value of an absent key, and of one that is null; nil for a key that must be there.
  let fallback: JSONValue?
  /// What it is for, in a sentence.
  let meaning: String

  /// A key that may be left out.
  init(_ name: String, _ shape: SpecShape, default fallback: JSONValue = .null, _ meaning: String) {
    (self.name, self.shape, self.fallback, self.meaning) = (name, shape, fallback, meaning)
  }

  private init(required name: String, _ shape: SpecShape, _ meaning: String) {
    (self.name, self.shape, self.fallback, self.meaning) = (name, shape, nil, meaning)
  }

  /// A key that must be there.
  static func required(_ name: String, _ shape: SpecShape, _ meaning: String) -> SpecKey {
    SpecKey(required: name, shape, meaning)
  }

  /// The members of a JSON Schema that speak of an object's members.
  static func schema(of keys: [SpecKey]) -> JSONObject {
    var properties = JSONObject()
    for key in keys {
      var schema = key.shape.schema(isNullable: key.fallback != nil)
      schema["description"] = .string(key.meaning)
      if let fallback = key.fallback { schema["default"] = fallback }
      properties[key.name] = .object(schema)
    }
    let required = keys.filter { $0.fallback == nil }.map { JSONValue.string($0.name) }
    return [
      "properties": .object(properties), "required": .array(required), "additionalProperties": false,
    ]
  }
}
