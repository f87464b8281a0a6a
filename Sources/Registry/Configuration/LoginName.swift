/// The name under which a login is kept: a registry, or a namespace or repository in it.
///
/// Registries have been written in many ways in login files; Docker Hub's key is a URL of an API that is long
/// gone (registry-protocol.md, section 12).
public struct LoginName: Sendable, Hashable, CustomStringConvertible {
  /// The registry's name and port: `docker.io`, `localhost:5000`.
  public let domain: String
  /// What follows the domain, without slashes around it.
  ///
  /// May be empty.
  public let path: String

  /// The key of Docker Hub in Docker's files, and its name to credential helpers.
  static let hubKey = "https://index.docker.io/v1/"
  private static let hub = "docker.io"

  /// Reads a registry or image name as people and old login files write it: a scheme is dropped, and with a
  /// scheme the path.
  ///
  /// Nil when no domain is left.
  public init?(_ text: String) {
    let scheme = ["https://", "http://"].first { text.hasPrefix($0) }
    let name = text.dropFirst(scheme?.count ?? 0)
    let domain = name.prefix { $0 != "/" }
    let isDomain = domain.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "@") }
    guard !domain.isEmpty, isDomain else { return nil }
    self.domain = Self.isHub(domain) ? Self.hub : String(domain)
    let path = scheme == nil ? name.dropFirst(domain.count).split(separator: "/").joined(separator: "/") : ""
    self.path = path
  }

  private static func isHub(_ domain: Substring) -> Bool {
    domain == hub || domain == "index.docker.io" || domain == "registry-1.docker.io"
  }

  /// `domain/path`, or only the domain.
  public var description: String { path.isEmpty ? domain : "\(domain)/\(path)" }

  /// Whether this is Docker Hub as a whole.
  var isHub: Bool { path.isEmpty && domain == Self.hub }

  /// The key that other programs look for.
  var key: String { isHub ? Self.hubKey : description }

  /// What a credential helper is asked for: helpers know registries, no namespaces.
  public var serverAddress: String { domain == Self.hub ? Self.hubKey : domain }

  /// This name, what it lies in, and at the end the domain alone.
  var namesOutwards: [LoginName] {
    var parts = path.split(separator: "/")
    var names = [self]
    while !parts.isEmpty {
      parts.removeLast()
      names.append(LoginName(domain: domain, path: parts.joined(separator: "/")))
    }
    return names
  }

  /// Keys of files that mean this name, exact spellings apart: old URLs, and Docker Hub's other names.
  func isMeant(by key: String) -> Bool {
    // Docker keeps the tokens of its web login under the Hub's URL too; they are no password for the
    // registry.
    guard !key.hasSuffix("/access-token"), !key.hasSuffix("/refresh-token") else { return false }
    return LoginName(key) == self
  }

  private init(domain: String, path: String) {
    self.domain = domain
    self.path = path
  }
}
