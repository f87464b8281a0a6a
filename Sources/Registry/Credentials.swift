/// What a user can show to a registry (registry-protocol.md, section 12).
public enum Credentials: Sendable, Hashable {
  /// A name and a password, or an access token in its place.
  case basic(user: String, password: String)
  /// An OAuth2 refresh token (`identitytoken` in login files): exchanged for bearer tokens.
  case identityToken(String)
  /// A bearer token (`registrytoken`): sent as it is.
  case registryToken(String)
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Which kind it is, and nothing else: the text may end in a log.
  public var description: String {
    switch self {
    case .basic: "user name and password"
    case .identityToken: "identity token"
    case .registryToken: "registry token"
    }
  }

  /// The same as `description`.
  public var debugDescription: String { description }

  /// Empty, so that `dump` shows no secret either.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
