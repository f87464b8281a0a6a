/// What a path of the registry protocol names (distribution-spec, "Endpoints").
enum RegistryResource: Hashable {
  case version
  case catalog
  case tags(repository: String)
  case manifest(repository: String, reference: String)
  case blob(repository: String, digest: String)
  case referrers(repository: String, digest: String)

  /// Reads a path without its query; nil when it names nothing.
  init?(path: Substring) {
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count > 1, parts[0].isEmpty, parts[1] == "v2" else { return nil }
    parts.removeFirst(2)
    if parts.isEmpty || parts == [""] { self = .version; return }
    if parts == ["_catalog"] { self = .catalog; return }
    guard parts.count > 2, let last = parts.popLast(), let kind = parts.popLast() else { return nil }
    let repository = parts.joined(separator: "/")
    let name = Self.withoutEscapes(last)
    switch kind {
    case "tags" where last == "list": self = .tags(repository: repository)
    case "manifests": self = .manifest(repository: repository, reference: name)
    case "blobs": self = .blob(repository: repository, digest: name)
    case "referrers": self = .referrers(repository: repository, digest: name)
    default: return nil
    }
  }

  /// Undoes percent-encoding; what is not well-formed stays.
  static func withoutEscapes(_ text: some StringProtocol) -> String {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        result.append(value)
        rest = rest.dropFirst(2)
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The first value of a query's parameter.
  static func parameter(_ name: String, of query: String) -> String? {
    for part in query.split(separator: "&") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2, pair[0] == name { return withoutEscapes(pair[1]) }
    }
    return nil
  }
}
