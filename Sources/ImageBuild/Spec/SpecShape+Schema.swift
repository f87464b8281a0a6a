import OrderedJSON

extension SpecShape {
  /// The JSON Schema of this shape (draft 2020-12).
  func schema(isNullable: Bool = false) -> JSONObject {
    switch self {
    case .text(let text):
      var schema = Self.schema(of: "string", isNullable)
      // Python's `$` also stands before a last line break.
      if let pattern = text.pattern { schema["pattern"] = .string("^(?:\(pattern))$(?!\\n)") }
      return schema
    case .integer(let range, let refused):
      var schema = Self.schema(of: "integer", isNullable)
      schema["minimum"] = .integer(range.lowerBound)
      if range.upperBound < .max { schema["maximum"] = .integer(range.upperBound) }
      if !refused.isEmpty { schema["not"] = ["enum": .array(refused.map { .integer($0) })] }
      return schema
    case .boolean: return Self.schema(of: "boolean", isNullable)
    case .choice(let words):
      return ["enum": .array(words.map { .string($0) } + (isNullable ? [.null] : []))]
    case .object: return Self.schema(of: "object", isNullable)
    case .map(let shape):
      var schema = Self.schema(of: "object", isNullable)
      schema["additionalProperties"] = .object(shape.schema())
      return schema
    case .list(let shape, let minimum):
      var schema = Self.schema(of: "array", isNullable)
      schema["items"] = .object(shape.schema())
      if minimum > 0 { schema["minItems"] = .integer(minimum) }
      return schema
    case .record(let keys):
      var schema = Self.schema(of: "object", isNullable)
      schema.append(contentsOf: SpecKey.schema(of: keys))
      return schema
    case .either(let shapes):
      let alternatives = shapes.map { JSONValue.object($0.schema()) }
      return ["anyOf": .array(alternatives + (isNullable ? [["type": "null"]] : []))]
    }
  }

  private static func schema(of type: JSONValue, _ isNullable: Bool) -> JSONObject {
    ["type": isNullable ? [type, "null"] : type]
  }
}
