/// Why a database could not be made.
public enum SQLiteError: Error, Hashable, CustomStringConvertible {
  /// libsqlite3 is not there or too old, in the loader's words.
  case libraryMissing(String)
  /// SQLite refused something: what was attempted, and its reason.
  case failed(String, String)

  /// One line for people.
  public var description: String {
    switch self {
    case .libraryMissing(let reason):
      "libsqlite3 cannot be loaded (\(reason)); install it (Debian: libsqlite3-0, 3.36 or later)"
    case .failed(let action, let reason): "SQLite cannot \(action): \(reason)"
    }
  }
}
