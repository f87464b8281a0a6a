import OrderedJSON

/// What a value in a spec has to look like: for the parser and for the JSON Schema.
indirect enum SpecShape: Sendable {
  /// A string.
  case text(SpecText)
  /// A whole number, not one of `refused`, which mean something else to their writers.
  case integer(ClosedRange<Int64>, refused: [Int64] = [])
  /// `true` or `false`.
  case boolean
  /// One of some words.
  case choice([String])
  /// An object of any members.
  case object
  /// An object of any names with values of one shape.
  case map(of: SpecShape)
  /// A list with at least `minimum` elements.
  case list(of: SpecShape, minimum: Int = 0)
  /// An object of known names.
  case record([SpecKey])
  /// One of several shapes, each of another kind of JSON value.
  case either([SpecShape])

  /// Whether a value is of the kind of JSON value that this shape is about.
  func isKind(of value: JSONValue) -> Bool {
    switch self {
    case .text, .choice: value.string != nil
    case .integer: value.isNumber
    case .boolean: value.bool != nil
    case .object, .map, .record: value.object != nil
    case .list: value.array != nil
    case .either(let shapes): shapes.contains { $0.isKind(of: value) }
    }
  }

  /// What is expected, for a message.
  var expectation: String {
    switch self {
    case .text(let text): text.expectation
    case .integer(let range, let refused):
      (range.upperBound == .max
        ? "a whole number of at least \(range.lowerBound)"
        : "a whole number from \(range.lowerBound) to \(range.upperBound)")
        + (refused.isEmpty ? "" : " that nobody takes for octal digits (those go in quotes)")
    case .boolean: "true or false"
    case .choice(let words): "one of \(words.dropLast().joined(separator: ", ")) and \(words.last ?? "")"
    case .object: "an object"
    case .map(let shape): "an object whose members are each \(shape.expectation)"
    case .list(let shape, let minimum):
      "a list\(minimum > 0 ? " with at least \(minimum) element" : "") of \(shape.expectation)"
    case .record(let keys): "an object with \(keys.map(\.name).joined(separator: ", "))"
    case .either(let shapes): shapes.map(\.expectation).joined(separator: ", or ")
    }
  }
}

extension JSONValue {
  /// Whether this is a number.
  var isNumber: Bool { if case .number = self { true } else { false } }

  /// The value of a number without fraction, however it is written; `1e3` and `1000.0` are whole to JSON Schema too.
  var wholeNumber: Int64? {
    guard case .number(let text) = self else { return nil }
    return Int64(text) ?? Double(text).flatMap { Int64(exactly: $0) }
  }
}
