public import OCIModel

/// What registries.conf (version 2) and its drop-in files say about mirrors, rewriting and blocking.
///
/// containers-registries.conf(5); registry-protocol.md, section 11. Short names are not resolved by it, so
/// `unqualified-search-registries`, `short-name-mode` and `[aliases]` are ignored, as are members that are
/// not known.
public struct RegistriesConfiguration: Sendable {
  /// What an image is wanted for: mirrors and rewriting are for pulling only.
  public enum Purpose: Sendable, Hashable {
    /// Reading.
    case pull
    /// Writing.
    case push
  }

  /// One place an image may be at.
  public struct Location: Sendable, Hashable {
    /// The registry's name, and port where one is written: `docker.io`, `localhost:5000`.
    public var domain: String
    /// The repository there: `library/nix`.
    public var repositoryPath: String
    /// Whether no certificate need be valid and plain http is allowed.
    public var isInsecure: Bool
    /// Whether this is not the place that the image's name stands for, so that its credentials are not for
    /// here.
    public var isMirror: Bool
  }

  private var rules: [RegistryRule] = []
  /// The sources of credentials in order, when a file names any: `containers-auth.json` stands for the login
  /// files, everything else is a helper's name.
  public private(set) var credentialHelpers: [String]?

  /// A configuration that changes nothing.
  public init() {}

  /// Takes in one more file; tables for the same prefix replace those of earlier files.
  ///
  /// - Throws: `ConfigurationError`; nothing is changed then.
  public mutating func merge(_ contents: [UInt8], file: String) throws(ConfigurationError) {
    let source = try RegistriesFile(contents, name: file)
    for rule in source.rules {
      rules.removeAll { $0.prefix == rule.prefix }
      rules.append(rule)
    }
    if let helpers = source.credentialHelpers { credentialHelpers = helpers }
  }

  /// The places of an image, in the order to try.
  ///
  /// The last one is the registry itself.
  ///
  /// An image with neither tag nor digest counts as `latest`.
  ///
  /// - Throws: `ConfigurationError.blocked`, `.badRewrite`.
  public func locations(
    of reference: Reference, for purpose: Purpose = .pull
  ) throws(ConfigurationError) -> [Location] {
    var location = Location(
      domain: reference.domain, repositoryPath: reference.path, isInsecure: false, isMirror: false)
    guard let rule = rule(for: reference) else { return [location] }
    guard !rule.isBlocked else {
      throw .blocked(image: reference.description, prefix: rule.prefix, file: rule.file)
    }
    location.isInsecure = rule.isInsecure
    guard purpose == .pull else { return [location] }
    var result: [Location] = []
    for mirror in rule.mirrors where mirror.use.includes(reference) {
      let place = try rule.rewrite(reference, to: mirror.location)
      result.append(
        Location(
          domain: place.domain, repositoryPath: place.path, isInsecure: mirror.isInsecure, isMirror: true))
    }
    if let target = rule.location {
      let place = try rule.rewrite(reference, to: target)
      location.isMirror = place.domain != reference.domain
      (location.domain, location.repositoryPath) = (place.domain, place.path)
    }
    return result + [location]
  }

  /// Whether a registry as a whole is marked insecure, for commands that name no image.
  ///
  /// - Throws: `ConfigurationError.blocked`.
  public func isInsecure(domain: String) throws(ConfigurationError) -> Bool {
    guard let rule = longest(in: domain) else { return false }
    guard !rule.isBlocked else { throw .blocked(image: domain, prefix: rule.prefix, file: rule.file) }
    return rule.isInsecure
  }

  private func rule(for reference: Reference) -> RegistryRule? {
    let needsTag = reference.tag == nil && reference.digest == nil
    return longest(in: needsTag ? reference.description + ":latest" : reference.description)
  }

  private func longest(in image: String) -> RegistryRule? {
    rules.filter { $0.coverage(of: image) != nil }.max { $0.prefix.utf8.count < $1.prefix.utf8.count }
  }
}
