/// Why a `.drv` file cannot be used.
///
/// `offset` is the number of bytes in front of what is wrong.
public enum DerivationError: Error, Hashable, CustomStringConvertible {
  /// Something else stands where this is needed.
  case unexpected(offset: Int, expected: String, found: String)
  /// A string is not UTF-8, or has a NUL, which neither variables nor arguments can hold.
  case text(offset: Int)
  /// A path is none of the store.
  case path(offset: Int, StorePathError)
  /// Names are not in the order that Nix writes them in, or one is there twice.
  case order(offset: Int, name: String, previous: String)
  /// The file has a form that was made after this program.
  case newerForm(String)

  /// One line for people.
  public var description: String { "the derivation is not usable: \(reason)" }

  private var reason: String {
    switch self {
    case .unexpected(let offset, let expected, let found):
      "at byte \(offset): expected \(expected), found \(found)"
    case .text(let offset): "the string at byte \(offset) is not UTF-8, or has a NUL in it"
    case .path(let offset, let error): "at byte \(offset): \(error)"
    case .order(let offset, let name, let previous):
      "at byte \(offset): “\(name)” comes after “\(previous)”; Nix writes names in order, each once"
    case .newerForm(let form):
      "it is in the form \(form), which is for experimental features of Nix; only Derive(…) can be read"
    }
  }
}
