public import OrderedJSON

/// One thing that is wrong in a spec.
public enum SpecProblem: Hashable, Sendable, CustomStringConvertible {
  /// There is no such key; `advice` says what to write.
  case unknownKey(String, advice: String?)
  /// A key that must be there is not.
  case missing(String, expected: String)
  /// A value of the wrong kind, or one that cannot be. The key of the document itself is empty.
  case unsuitable(key: String, expected: String, found: String, suggestion: String?)
  /// Values that are right by themselves and do not go together.
  case contradiction(key: String, statement: String)

  /// One line for people.
  public var description: String {
    switch self {
    case .unknownKey(let key, let advice): "there is no key “\(key)”" + (advice.map { "; \($0)" } ?? "")
    case .missing(let key, let expected): "“\(key)” is missing: expected \(expected)"
    case .unsuitable(let key, let expected, let found, let suggestion):
      "\(key.isEmpty ? "the spec" : "“\(key)”") should be \(expected), and is \(found)"
        + (suggestion.map { "; did you mean “\($0)”?" } ?? "")
    case .contradiction(let key, let statement): "“\(key)”: \(statement)"
    }
  }

  /// Whether each value is right by itself, so that a JSON Schema sees nothing.
  public var isContradiction: Bool { if case .contradiction = self { true } else { false } }
}

/// Why a spec cannot be used.
public enum SpecError: Error, Hashable, CustomStringConvertible {
  /// It is not JSON.
  case json(JSONError)
  /// Everything that is wrong in it, in the order of the document.
  case problems([SpecProblem])

  /// One line for each problem.
  public var description: String {
    switch self {
    case .json(let error): error.description
    case .problems(let problems): problems.map(\.description).joined(separator: "\n")
    }
  }
}
