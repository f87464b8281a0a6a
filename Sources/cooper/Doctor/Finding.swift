import OrderedJSON

/// One thing that this machine has or lacks.
struct Finding: Sendable, Hashable {
  /// How good it is.
  enum State: String, Sendable {
    /// All there.
    case good
    /// There, but with something missing that costs something.
    case limited
    /// Not there.
    case missing

    /// What is put before a line.
    var mark: String {
      switch self {
      case .good: "✓"
      case .limited: "!"
      case .missing: "✗"
      }
    }
  }

  /// What is looked at, as people and programs call it.
  var name: String
  var state: State
  /// What was found.
  var fact: String
  /// What it costs that it is not better, and what to do about it; nil when it costs nothing.
  var cost: String?

  /// Something that is all there.
  init(good name: String, _ fact: String) { (self.name, state, self.fact) = (name, .good, fact) }

  /// Something that is not.
  init(_ state: State, _ name: String, _ fact: String, cost: String?) {
    (self.name, self.state, self.fact, self.cost) = (name, state, fact, cost)
  }

  /// A line for people; names are padded to `width`.
  func text(width: Int) -> String {
    let space = String(repeating: " ", count: max(0, width - name.count))
    let text = "\(state.mark) \(name)\(space)  \(fact)"
    return cost.map { "\(text): \($0)" } ?? text
  }

  /// The same for programs.
  var json: JSONValue {
    [
      "name": .string(name), "state": .string(state.rawValue), "fact": .string(fact),
      "cost": cost.map { .string($0) } ?? .null,
    ]
  }
}
