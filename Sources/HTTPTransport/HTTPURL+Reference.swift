extension HTTPURL {
  /// The URL that `reference` means when it stands in an answer to this one (RFC 3986, section 5), as
  /// `Location` and `Link` do.
  ///
  /// An absolute reference is kept as it is; dots in the path of a relative one are resolved.
  ///
  /// - Throws: `TransportError.badURL`, as `init(parsing:)` does.
  public func resolving(_ reference: String) throws(TransportError) -> HTTPURL {
    let reference = try Self.sendable(reference)
    guard let parts = Self.split(reference) else {
      throw .badURL("\(Self.shortened(reference)): neither a URL nor a reference relative to one")
    }
    if parts.scheme != nil { return try HTTPURL(parsing: reference) }
    if parts.authority != nil { return try HTTPURL(parsing: scheme + ":" + reference) }
    let beforePath = description.dropLast(writtenTarget.utf8.count)
    return try HTTPURL(parsing: beforePath + Self.merge(parts.rest, into: target))
  }

  /// The URL with one more item at the end of its query, name and value percent-encoded.
  ///
  /// Nothing else changes.
  public func appending(queryItem name: String, value: String) throws(TransportError) -> HTTPURL {
    let separator =
      if let query = description.firstIndex(of: "?") {
        description[query...].last.map { "?&".contains($0) } == true ? "" : "&"
      } else { "?" }
    return try HTTPURL(parsing: description + separator + Self.encoded(name) + "=" + Self.encoded(value))
  }

  /// What of the target stands in the text: nothing, or a query alone, where the path is empty.
  private var writtenTarget: Substring {
    description.hasSuffix(target) ? target[...] : target.dropFirst()
  }

  private static func encoded(_ text: String) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
      if byte.isLetter || byte.isDigit || "-._~".utf8.contains(byte) {
        result.append(byte)
      } else {
        result.append(percentEncoding: byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Path and query that a reference without scheme and authority leads to (section 5.2.2).
  private static func merge(_ reference: String, into base: String) -> String {
    let basePath = base.prefix { $0 != "?" }
    let path = reference.prefix { $0 != "?" }
    let query = reference[path.endIndex...]
    if path.isEmpty { return query.isEmpty ? base : String(basePath + query) }
    if path.hasPrefix("/") { return removingDots(path) + query }
    let directory = basePath[...(basePath.lastIndex(of: "/") ?? basePath.startIndex)]
    return removingDots(directory + path) + query
  }

  /// The absolute path without `.` and `..` (section 5.2.4).
  private static func removingDots(_ path: some StringProtocol) -> String {
    var kept: [Substring] = []
    let segments = String(path).dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    for (index, segment) in segments.enumerated() {
      let isLast = index == segments.count - 1
      switch segment {
      case ".":
        if isLast { kept.append("") }
      case "..":
        _ = kept.popLast()
        if isLast { kept.append("") }
      default: kept.append(segment)
      }
    }
    return "/" + kept.joined(separator: "/")
  }
}
