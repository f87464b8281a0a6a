/// A JSON value (RFC 8259) whose members keep their order.
///
/// Equality compares the order of members too: two documents that differ in it have different digests.
public enum JSONValue: Sendable, Hashable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number, as the text that is written. Integers keep their value; other numbers that came through
  /// `init(parsing:)` have been a `Double` in between, so `1.10` is written `1.1`. `RawJSON` keeps the
  /// spelling.
  case number(String)
  /// A string without escapes.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// Named members in order.
  case object(JSONObject)

  /// A number without fraction.
  public static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }
}

extension JSONValue {
  /// The member of that name, or nil when there is none or this is not an object.
  public subscript(_ name: String) -> JSONValue? { object?[name] }

  /// The text, when this is a string.
  public var string: String? { if case .string(let text) = self { text } else { nil } }

  /// The value, when this is a number written as an integer that fits.
  public var int: Int64? { if case .number(let text) = self { Int64(text) } else { nil } }

  /// The value, when this is a truth value.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The elements, when this is a list.
  public var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

  /// The members, when this is an object.
  public var object: JSONObject? { if case .object(let members) = self { members } else { nil } }

  /// Whether this is `null`.
  public var isNull: Bool { self == .null }

  /// What people call this kind of value in a message: `a string`, `a list`.
  public var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  /// A string.
  public init(stringLiteral text: String) { self = .string(text) }

  /// A number.
  public init(integerLiteral value: Int) { self = .integer(value) }

  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
  /// A list.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

  /// An object; of repeated names the last value counts, at the place of the first.
  public init(dictionaryLiteral members: (String, JSONValue)...) {
    var object = JSONObject()
    for (name, value) in members { object[name] = value }
    self = .object(object)
  }
}
