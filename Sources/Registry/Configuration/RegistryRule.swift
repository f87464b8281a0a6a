import OCIModel

/// One `[[registry]]` table.
struct RegistryRule: Sendable {
  /// When a mirror is asked (`pull-from-mirror`).
  enum MirrorUse: String, Sendable, CaseIterable {
    case all = "all"
    case digestOnly = "digest-only"
    case tagOnly = "tag-only"

    func includes(_ reference: Reference) -> Bool {
      switch self {
      case .all: true
      case .digestOnly: reference.digest != nil
      case .tagOnly: reference.digest == nil
      }
    }
  }

  struct Mirror: Sendable {
    var location: String
    var isInsecure: Bool
    var use: MirrorUse
  }

  /// The file it is from.
  var file: String
  /// What an image's name must begin with, or `*.example.com`.
  var prefix: String
  /// What takes the prefix's place.
  ///
  /// Nil only with `*.`: nothing is replaced.
  var location: String?
  var isInsecure = false
  var isBlocked = false
  var mirrors: [Mirror] = []

  /// How many bytes at the beginning of `image` the prefix stands for, or nil when the rule is not about it.
  ///
  /// A prefix ends where a part of the name ends. After the domain that is `/` only: `example.com` is not
  /// about `example.com:5000`, which is another registry.
  func coverage(of image: String) -> Int? {
    let bytes = image.utf8
    if prefix.hasPrefix("*.") {
      let domain = image.prefix { $0 != "/" }
      return domain.utf8.count >= prefix.utf8.count && domain.hasSuffix(prefix.dropFirst())
        ? domain.utf8.count : nil
    }
    let count = prefix.utf8.count
    guard bytes.starts(with: prefix.utf8) else { return nil }
    switch bytes.dropFirst(count).first {
    case nil, UInt8(ascii: "/"): return count
    case UInt8(ascii: ":"), UInt8(ascii: "@"): return prefix.utf8.contains(UInt8(ascii: "/")) ? count : nil
    default: return nil
    }
  }

  /// The name that `reference` has under `location`.
  func rewrite(
    _ reference: Reference, to location: String
  ) throws(ConfigurationError) -> (domain: String, path: String) {
    // A prefix with a tag or digest covers more than the name; then nothing of the name is left.
    let covered = coverage(of: reference.name) ?? reference.name.utf8.count
    let name = location + String(decoding: reference.name.utf8.dropFirst(covered), as: UTF8.self)
    let domain = location.prefix { $0 != "/" }
    do throws(ReferenceError) {
      let result = try Reference(parsing: name)
      // Without this, `mirror/library/nix` would be a repository at Docker Hub.
      guard result.domain == domain, result.tag == nil else { throw .empty }
      return (result.domain, result.path)
    } catch {
      throw .badRewrite(image: reference.description, result: name, file: file)
    }
  }
}
