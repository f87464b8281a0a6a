/// `Link` fields (RFC 8288), as far as lists in pages need them.
enum LinkField {
  /// The target of the link to the next page: `</v2/x/tags/list?last=a>; rel="next"`.
  static func next(in field: String) -> String? {
    var rest = field[...]
    while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
      let target = rest[rest.index(after: open)..<close]
      rest = rest[rest.index(after: close)...]
      let parameters = rest.prefix { $0 != "<" }
      if isNext(parameters) { return String(target) }
    }
    return nil
  }

  private static func isNext(_ parameters: Substring) -> Bool {
    parameters.split(whereSeparator: { $0 == ";" || $0 == "," }).contains { parameter in
      let halves = parameter.split(separator: "=", maxSplits: 1).map { $0.trimmingSpaces.lowercased() }
      guard halves.count == 2, halves[0] == "rel" else { return false }
      let relations = halves[1].filter { $0 != "\"" }
      return relations.split(separator: " ").contains("next")
    }
  }
}
