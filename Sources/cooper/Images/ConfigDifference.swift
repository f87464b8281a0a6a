import OCIModel
import OrderedJSON

/// What changed between two image configurations, as far as containers notice.
struct ConfigDifference {
  /// One value that is not the same.
  struct Change: Equatable {
    /// The member's name: `Env`, `Cmd`.
    var field: String
    /// The variable, label, port or volume; nil where the member is one value.
    var name: String?
    /// What the first has; nil when it has none.
    var first: JSONValue?
    /// What the second has.
    var second: JSONValue?
  }

  let changes: [Change]

  init(from first: ImageConfig, to second: ImageConfig) {
    var changes: [Change] = []
    func compare(_ field: String, name: String? = nil, _ old: JSONValue?, _ new: JSONValue?) {
      // Absent, null and empty mean the same to everyone who runs an image.
      let (old, new) = (old.flatMap(Self.meaning), new.flatMap(Self.meaning))
      if old != new { changes.append(Change(field: field, name: name, first: old, second: new)) }
    }
    for field in ["os", "os.version", "os.features", "architecture", "variant", "author"] {
      compare(field, first[field], second[field])
    }
    let (old, new) = (first.runtime, second.runtime)
    for field in Self.namedMembers {
      let (left, right) = (Self.named(old[field]), Self.named(new[field]))
      for name in Set(left.keys).union(right.keys).sorted() {
        compare(field, name: name, left[name], right[name])
      }
    }
    for field in Self.members { compare(field, old[field], new[field]) }
    self.changes = changes
  }

  /// Members that are lists of names, or of names and values.
  private static let namedMembers = ["Env", "Labels", "ExposedPorts", "Volumes"]
  /// Members that are compared as a whole.
  private static let members = [
    "Entrypoint", "Cmd", "User", "WorkingDir", "StopSignal", "Healthcheck", "Shell", "OnBuild", "ArgsEscaped",
  ]

  private static func meaning(_ value: JSONValue) -> JSONValue? {
    switch value {
    case .null, .bool(false), .string(""): nil
    case .array(let list) where list.isEmpty: nil
    default: value
    }
  }

  /// The entries by name: variables by what stands before `=`, ports and volumes with `true`.
  private static func named(_ value: JSONValue?) -> [String: JSONValue] {
    var entries: [String: JSONValue] = [:]
    for member in value?.object?.members ?? [] {
      entries[member.name] = member.value.string == nil ? true : member.value
    }
    for case .string(let text) in value?.array ?? [] {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      entries[parts[0]] = .string("=" + (parts.count > 1 ? parts[1] : ""))
    }
    return entries
  }
}

extension ConfigDifference.Change {
  /// A variable's value without the sign that keeps an empty one from meaning none.
  private func shown(_ value: JSONValue?) -> JSONValue? {
    guard field == "Env", let text = value?.string else { return value }
    return .string(String(text.dropFirst()))
  }

  var json: JSONValue {
    var object: JSONObject = ["field": .string(field)]
    if let name { object["name"] = .string(name) }
    object["first"] = shown(first) ?? .null
    object["second"] = shown(second) ?? .null
    return .object(object)
  }

  /// `config Env PATH: "/bin" -> "/usr/bin"`.
  var line: String {
    func text(_ value: JSONValue?) -> String {
      shown(value).map { String(decoding: $0.serialized(), as: UTF8.self) } ?? "none"
    }
    return "config \(field)\(name.map { " \($0)" } ?? ""): \(text(first)) -> \(text(second))".printable
  }
}
