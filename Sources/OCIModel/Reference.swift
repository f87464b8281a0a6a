public import Hashing

/// The name of an image in a registry: `NAME[:TAG][@DIGEST]`.
///
/// Normalised as Docker does: `nix` is `docker.io/library/nix`, and `index.docker.io` is `docker.io`. No tag
/// is filled in. The grammar is in registry-protocol.md, section 14.
public struct Reference: Hashable, Sendable {
  /// The registry's name and port, as written: `docker.io`, `localhost:5000`, `[::1]:5000`.
  public let domain: String
  /// The repository within the registry: `library/nix`.
  public let path: String
  /// The tag, when one was given.
  public let tag: String?
  /// The digest, when one was given.
  ///
  /// It decides; a tag beside it is only a remark.
  public let digest: Digest?

  private init(domain: String, path: String, tag: String?, digest: Digest?) {
    self.domain = domain
    self.path = path
    self.tag = tag
    self.digest = digest
  }

  /// Reads a reference as people write it.
  public init(parsing text: String) throws(ReferenceError) {
    guard !text.isEmpty else { throw .empty }
    if text.utf8.count == 64, text.utf8.allSatisfy(ReferenceGrammar.isLowerHex) { throw .onlyHex(text) }
    var name = text[...]
    var digest: Digest?
    if let at = name.utf8.firstIndex(of: UInt8(ascii: "@")) {
      digest = try Self.digest(name[name.utf8.index(after: at)...], of: text)
      name = name[..<at]
    }
    let (domain, rest) = Self.splitDomain(name)
    var path = rest
    var tag: Substring?
    if let colon = rest.utf8.firstIndex(of: UInt8(ascii: ":")) {
      tag = rest[rest.utf8.index(after: colon)...]
      path = rest[..<colon]
    }
    try ReferenceGrammar.check(domain: domain, of: text)
    try ReferenceGrammar.check(path: path, of: text)
    if let tag { try ReferenceGrammar.check(tag: tag, of: text) }
    let single = !path.utf8.contains(UInt8(ascii: "/"))
    self.init(
      domain: String(domain), path: domain == Self.hub && single ? "library/\(path)" : String(path),
      tag: tag.map(String.init), digest: digest)
    let count = self.name.utf8.count
    if count > 255 { throw .nameTooLong(text, byteCount: count) }
  }

  private static let hub: Substring = "docker.io"

  /// The first part is a domain when it looks like a host; else everything is a path at Docker's registry.
  private static func splitDomain(_ name: Substring) -> (domain: Substring, rest: Substring) {
    guard let slash = name.utf8.firstIndex(of: UInt8(ascii: "/")) else { return (hub, name) }
    let first = name[..<slash]
    let isHost =
      first == "localhost" || first.utf8.contains(UInt8(ascii: ".")) || first.utf8.contains(UInt8(ascii: ":"))
    guard isHost else { return (hub, name) }
    return (first == "index.docker.io" ? hub : first, name[name.utf8.index(after: slash)...])
  }

  private static func digest(_ part: Substring, of text: String) throws(ReferenceError) -> Digest {
    do throws(DigestError) {
      return try Digest(parsing: part)
    } catch {
      throw .digest(text, error)
    }
  }

  /// Domain and path: what has tags and digests.
  public var name: String { "\(domain)/\(path)" }

  /// The tag, or `latest` when there is neither tag nor digest.
  public var effectiveTag: String? { tag ?? (digest == nil ? "latest" : nil) }

  /// The same image name with another tag, or none.
  public func withTag(_ tag: String?) throws(ReferenceError) -> Reference {
    if let tag { try ReferenceGrammar.check(tag: tag[...], of: "\(name):\(tag)") }
    return Reference(domain: domain, path: path, tag: tag, digest: digest)
  }

  /// The same image name with another digest, or none.
  public func withDigest(_ digest: Digest?) -> Reference {
    Reference(domain: domain, path: path, tag: tag, digest: digest)
  }
}

extension Reference: CustomStringConvertible {
  /// The canonical text, which parses to the same value: `docker.io/library/nix:2.18@sha256:…`.
  public var description: String {
    name + (tag.map { ":" + $0 } ?? "") + (digest.map { "@\($0)" } ?? "")
  }
}
