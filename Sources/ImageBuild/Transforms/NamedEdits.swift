public import OCIModel

/// Texts by name that are set, and names that are taken away: of labels, annotations or variables.
public struct NamedEdits: Hashable, Sendable {
  /// What is taken away, before anything is set.
  public var removed: [String]
  /// What is set; of repeated names the last text counts.
  public var values: Annotations

  /// Some edits.
  public init(values: Annotations = Annotations(), removed: [String] = []) {
    self.values = values
    self.removed = removed
  }

  /// Whether nothing is to be done.
  public var isEmpty: Bool { values.isEmpty && removed.isEmpty }

  /// `entries` after the edits: what is set keeps its place, or is added at the end.
  func applied(to entries: Annotations) -> Annotations {
    var result = entries
    for name in removed { result[name] = nil }
    for entry in values.entries { result[entry.name] = entry.value }
    return result
  }

  /// The same for variables `NAME=VALUE`, each name once.
  func applied(toVariables variables: [String]) -> [String] {
    let kept = variables.filter { variable in !removed.contains { variable.prefix { $0 != "=" } == $0 } }
    return BaseArchive.merge(kept, values.entries.map { "\($0.name)=\($0.value)" })
  }
}
