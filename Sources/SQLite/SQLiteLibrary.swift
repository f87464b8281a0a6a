import CSQLite

/// libsqlite3, loaded when it is first needed and then kept.
///
/// Unchecked, because it holds a pointer to C functions: the table is complete before anybody sees it, and
/// never changes.
struct SQLiteLibrary: @unchecked Sendable {
  let functions: UnsafePointer<sqlite_functions>

  /// The one copy of this process, or why there is none.
  static let shared: Result<SQLiteLibrary, SQLiteError> = Result { () throws(SQLiteError) in try load() }

  private static func load() throws(SQLiteError) -> SQLiteLibrary {
    let table = UnsafeMutablePointer<sqlite_functions>.allocate(capacity: 1)
    if let reason = sqlite_functions_load(table) { throw .libraryMissing(String(cString: reason)) }
    return SQLiteLibrary(functions: UnsafePointer(table))
  }
}
