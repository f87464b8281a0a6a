/// Why a user's file that says how to talk to registries cannot be followed.
///
/// `file` is the name under which the contents were given. No secret is in any of these.
public enum ConfigurationError: Error, Hashable, CustomStringConvertible {
  /// The file is not TOML, or uses a part of it that is not read.
  case notTOML(file: String, TOMLError)
  /// The file is not JSON.
  case notJSON(file: String, problem: String)
  /// A member has a value that does not fit.
  ///
  /// `place` is a path of names.
  case invalid(file: String, place: String, expected: String, found: String)
  /// registries.conf is in the format of before 2019, which says something else with the same words.
  case oldRegistriesFormat(file: String)
  /// The user's registries.conf forbids this registry.
  case blocked(image: String, prefix: String, file: String)
  /// Rewriting by registries.conf gives no image name.
  case badRewrite(image: String, result: String, file: String)
  /// A client certificate without its key, or the other way round.
  case lonelyCertificateFile(directory: String, found: String, missing: String)

  /// One line.
  public var description: String {
    switch self {
    case .notTOML(let file, let error): "\(file): \(error)"
    case .notJSON(let file, let problem): "\(file): \(problem)"
    case .invalid(let file, let place, let expected, let found):
      "\(file): \(place) must be \(expected), but is \(found)"
    case .oldRegistriesFormat(let file):
      "\(file): this is version 1 of the format ([registries.search] and the like), which is not supported; "
        + "write [[registry]] tables as in containers-registries.conf(5)"
    case .blocked(let image, let prefix, let file):
      "\(image): \(file) blocks \(prefix); remove \"blocked = true\" there to use it"
    case .badRewrite(let image, let result, let file):
      "\(image): \(file) rewrites it to \"\(result)\", which is no image name; check \"location\" there"
    case .lonelyCertificateFile(let directory, let found, let missing):
      "\(directory): \(found) is there, but \(missing) is not; a client certificate needs both "
        + "(authorities to trust end in .crt)"
    }
  }
}
