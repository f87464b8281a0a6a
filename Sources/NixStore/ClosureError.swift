public import Hashing
public import OrderedJSON

/// Why a reference graph cannot be used.
///
/// `place` says where in the text: `line 12`, `element 3`, `member “/nix/store/…”`.
public enum ClosureError: Error, Hashable, CustomStringConvertible {
  /// The text is not JSON, though it begins like it.
  case json(JSONError)
  /// Something else stands where a kind of value is needed.
  case unexpected(place: String, expected: String, found: String)
  /// A path is none of a store, or of another store than the first.
  case path(place: String, StorePathError)
  /// A hash is malformed.
  case hash(place: String, NixHashError)
  /// Nix says that it does not have the path.
  case invalid(place: String, path: String)
  /// A path is listed twice.
  case repeated(place: String, path: StorePath)
  /// A path has the same reference twice.
  case repeatedReference(place: String, path: StorePath, reference: StorePath)
  /// A path refers to one that is not listed.
  case open(place: String, path: StorePath, reference: StorePath)
  /// Each of these paths refers to the next one, and the last to the first.
  case cycle([StorePath])
  /// The path was asked for and is not listed.
  case missing(StorePath)
  /// The hash or the size of the path's archive is needed and not known.
  case unmeasured(StorePath)

  /// One line for people.
  public var description: String {
    "the reference graph is not usable: \(reason)"
  }

  private var reason: String {
    switch self {
    case .json(let error): "\(error)"
    case .unexpected(let place, let expected, let found): "\(place): expected \(expected), found \(found)"
    case .path(let place, let error): "\(place): \(error)"
    case .hash(let place, let error): "\(place): \(error)"
    case .invalid(let place, let path): "\(place): Nix does not have \(path); build or fetch it first"
    case .repeated(let place, let path): "\(place): \(path) is listed a second time"
    case .repeatedReference(let place, let path, let reference):
      "\(place): \(path) has the reference \(reference) twice"
    case .open(let place, let path, let reference):
      "\(place): \(path) refers to \(reference), which is not listed; give the graph of the whole closure"
    case .cycle(let paths):
      "paths refer to each other in a circle: \((paths + paths.prefix(1)).map(\.description).joined(separator: " → "))"
    case .missing(let path): "\(path) is not listed"
    case .unmeasured(let path):
      "hash and size of \(path) are not in it; use one with hashes (nix-store --dump-db, nix path-info --json)"
    }
  }
}
