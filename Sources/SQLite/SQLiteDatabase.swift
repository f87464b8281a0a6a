import CSQLite

/// An SQLite database in memory that becomes the bytes of a file.
///
/// The same calls give the same bytes: the settings that a distribution or an environment variable may change
/// are set here, what is deleted is overwritten, and the version of the library is not in the file.
public struct SQLiteDatabase: ~Copyable {
  private let library: SQLiteLibrary
  private let handle: OpaquePointer

  /// An empty database.
  public init() throws(SQLiteError) {
    // Both before either is stored: an initialiser of a noncopyable type may not fail in between.
    let library = try SQLiteLibrary.shared.get()
    let handle = try Self.open(library)
    self.library = library
    self.handle = handle
  }

  private static let settings = """
    pragma page_size = 4096;
    pragma encoding = 'UTF-8';
    pragma auto_vacuum = 0;
    pragma secure_delete = on;
    pragma temp_store = memory;
    """

  private static func open(_ library: SQLiteLibrary) throws(SQLiteError) -> OpaquePointer {
    let functions = library.functions.pointee
    var handle: OpaquePointer?
    var code = functions.open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
    if code == SQLITE_OK, let handle { code = functions.exec(handle, settings, nil, nil, nil) }
    guard code == SQLITE_OK, let handle else {
      _ = functions.close_v2(handle)
      throw .failed("open a database in memory", String(cString: functions.errstr(code)))
    }
    return handle
  }

  deinit { _ = library.functions.pointee.close_v2(handle) }

  /// Runs statements, separated by `;`, whose results nobody needs.
  public func execute(_ statements: String) throws(SQLiteError) {
    try check(library.functions.pointee.exec(handle, statements, nil, nil, nil), "execute \(statements)")
  }

  /// Runs a statement once for each row, in their order, with the row's values for its `?`.
  public func execute(
    _ statement: String, forEach rows: some Sequence<[SQLiteValue]>
  ) throws(SQLiteError) {
    let functions = library.functions.pointee
    var prepared: OpaquePointer?
    try check(functions.prepare_v2(handle, statement, -1, &prepared, nil), "prepare \(statement)")
    guard let prepared else { throw .failed("prepare \(statement)", "it is empty") }
    defer { _ = functions.finalize(prepared) }
    for row in rows {
      for (offset, value) in row.enumerated() {
        try check(bind(value, to: prepared, at: Int32(offset + 1)), "bind a value to \(statement)")
      }
      guard functions.step(prepared) == SQLITE_DONE else { throw failure("execute \(statement)") }
      try check(functions.reset(prepared), "execute \(statement)")
    }
  }

  /// The bytes of the file.
  public func fileBytes() throws(SQLiteError) -> [UInt8] {
    let functions = library.functions.pointee
    var byteCount: Int64 = 0
    guard let start = functions.serialize(handle, "main", &byteCount, 0) else {
      throw .failed("give the bytes of a database", "out of memory")
    }
    defer { functions.free(start) }
    var bytes = [UInt8](UnsafeBufferPointer(start: start, count: Int(byteCount)))
    // The file format's only field that tells who wrote it ("Write library version number"); 3.36.0.
    if bytes.count >= 100 { bytes.replaceSubrange(96..<100, with: [0x00, 0x2E, 0x53, 0x60]) }
    return bytes
  }

  private func bind(_ value: SQLiteValue, to statement: OpaquePointer, at index: Int32) -> Int32 {
    switch value {
    case .integer(let number): library.functions.pointee.bind_int64(statement, index, number)
    case .text(let text):
      sqlite_bind_copy(library.functions, statement, index, text, Int32(text.utf8.count))
    }
  }

  private func check(_ code: Int32, _ action: String) throws(SQLiteError) {
    guard code == SQLITE_OK else { throw failure(action) }
  }

  private func failure(_ action: String) -> SQLiteError {
    .failed(action, String(cString: library.functions.pointee.errmsg(handle)))
  }
}

/// A value of a row.
public enum SQLiteValue: Sendable, Hashable {
  /// A number.
  case integer(Int64)
  /// Text.
  case text(String)
}
