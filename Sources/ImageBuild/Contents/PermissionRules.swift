import ArchiveIO

/// The spec's `permissions`: who may do what with which files, decided when the tar is written.
public struct PermissionRules: Sendable {
  private let rules: [(pattern: [UInt8], rule: PermissionRule)]

  /// Rules in order; a later one overrides an earlier one.
  public init(_ rules: [PermissionRule]) { self.rules = rules.map { (Array($0.path.utf8), $0) } }

  /// Whether there is none.
  public var isEmpty: Bool { rules.isEmpty }

  /// Changes a member's header as the rules that its name matches say.
  func apply(to header: inout TarHeader) {
    guard !rules.isEmpty else { return }
    let name = Self.path(of: header.name)
    for (pattern, rule) in rules where Self.matches(name[...], pattern[...]) {
      // Links have no permissions of their own.
      if let mode = rule.mode, header.type != .symbolicLink { header.mode = UInt32(mode) }
      if let uid = rule.uid { header.owner.uid = uid }
      if let gid = rule.gid { header.owner.gid = gid }
      if let name = rule.userName { header.owner.userName = name }
      if let name = rule.groupName { header.owner.groupName = name }
      for attribute in rule.attributes {
        let key = Array(attribute.name.utf8)
        header.extendedAttributes.removeAll { $0.key == key }
        header.extendedAttributes.append(PAXRecord(key: key, value: attribute.value))
      }
    }
  }

  /// A member's name without `./`, and without slashes at the beginning and end.
  private static func path(of name: [UInt8]) -> [UInt8] {
    let slash = UInt8(ascii: "/")
    var rest = name[...]
    if rest.starts(with: [UInt8(ascii: "."), slash]) { rest = rest.dropFirst(2) }
    rest = rest.drop { $0 == slash }
    while rest.last == slash { rest = rest.dropLast() }
    return Array(rest)
  }

  /// Whether a path matches a pattern: `*` and `?` stand for anything but a slash, `**` for anything, `[…]` for one of some characters.
  static func matches(_ path: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return path.isEmpty }
    let rest = pattern.dropFirst()
    let slash = UInt8(ascii: "/")
    switch first {
    case UInt8(ascii: "*"):
      let crosses = rest.first == UInt8(ascii: "*")
      var after = crosses ? rest.dropFirst() : rest
      // `**/x` is also `x`.
      if crosses, after.first == slash, matches(path, after.dropFirst()) { return true }
      if after.isEmpty { return crosses || !path.contains(slash) }
      after = after[...]
      var tail = path
      while true {
        if matches(tail, after) { return true }
        guard let next = tail.first, crosses || next != slash else { return false }
        tail = tail.dropFirst()
      }
    case UInt8(ascii: "?"):
      guard let next = path.first, next != slash else { return false }
      return matches(path.dropFirst(), rest)
    case UInt8(ascii: "["):
      guard let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "]")), let next = path.first, next != slash
      else { return false }
      let isNegated = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
      let set = rest[(isNegated ? rest.startIndex + 1 : rest.startIndex)..<end]
      return contains(next, in: set) != isNegated && matches(path.dropFirst(), rest[(end + 1)...])
    default:
      guard path.first == first else { return false }
      return matches(path.dropFirst(), rest)
    }
  }

  private static func contains(_ byte: UInt8, in set: ArraySlice<UInt8>) -> Bool {
    var rest = set
    while let first = rest.popFirst() {
      if rest.count > 1, rest.first == UInt8(ascii: "-"), let last = rest.dropFirst().first {
        if first <= byte, byte <= last { return true }
        rest = rest.dropFirst(2)
      } else if first == byte {
        return true
      }
    }
    return false
  }
}
