/// Scopes of tokens: `TYPE:NAME:ACTION,ACTION` (registry-protocol.md, section 2).
enum TokenScopes {
  /// Both lists, those of the challenge first; scopes of one resource become one.
  ///
  /// Some servers only read the first scope, so what was just asked for must be that.
  static func merged(_ challenge: [String], with wanted: [String]) -> [String] {
    var scopes = challenge
    for scope in wanted {
      if let index = scopes.firstIndex(where: { resource($0) == resource(scope) }) {
        let missing = actions(scope).filter { !actions(scopes[index]).contains($0) }
        scopes[index] = missing.reduce(scopes[index]) { "\($0),\($1)" }
      } else {
        scopes.append(scope)
      }
    }
    return scopes
  }

  private static func resource(_ scope: String) -> Substring {
    scope[..<(scope.lastIndex(of: ":") ?? scope.endIndex)]
  }

  private static func actions(_ scope: String) -> [Substring] {
    guard let colon = scope.lastIndex(of: ":") else { return [] }
    return scope[scope.index(after: colon)...].split(separator: ",")
  }
}
