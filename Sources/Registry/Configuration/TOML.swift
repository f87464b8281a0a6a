/// A value of a TOML document.
///
/// What registries.conf is written in: the parts of TOML 1.0 that it uses. Floating-point numbers, dates,
/// integers that are not decimal and strings over several lines are refused by name, never guessed at.
public enum TOML: Sendable, Hashable {
  /// A basic or literal string.
  case string(String)
  /// A decimal integer.
  case integer(Int64)
  /// `true` or `false`.
  case boolean(Bool)
  /// An array, or an array of tables.
  case array([TOML])
  /// A table, whichever of the three ways it was written.
  case table([String: TOML])

  /// Reads a whole document; the result is a table.
  ///
  /// - Throws: `TOMLError`, with the place of the first fault.
  public init(parsing bytes: [UInt8]) throws(TOMLError) {
    var parser = TOMLParser(bytes)
    self = try parser.document()
  }

  /// The kind of value, for messages.
  var kind: String {
    switch self {
    case .string: "a string"
    case .integer: "an integer"
    case .boolean: "a boolean"
    case .array: "an array"
    case .table: "a table"
    }
  }
}

/// Why a document is not the TOML that is read here, and where.
public struct TOMLError: Error, Hashable, CustomStringConvertible {
  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// Something else must stand here.
    case expected(String)
    /// TOML that this reader does not take.
    case unsupported(String)
    /// The key has a value already.
    case duplicate(key: String)
    /// The key names something that cannot be extended here.
    case notExtensible(key: String)
    /// The bytes are not UTF-8.
    case notUTF8
    /// Arrays and inline tables are nested deeper than this.
    case tooDeep(limit: Int)
  }

  /// What is wrong.
  public let reason: Reason
  /// The line, counted from 1.
  public let line: Int
  /// The character in the line, counted from 1.
  public let column: Int

  /// One line.
  public var description: String {
    let text =
      switch reason {
      case .expected(let what): "expected \(what)"
      case .unsupported(let what): "\(what) not supported here"
      case .duplicate(let key): "\"\(key)\" is defined twice"
      case .notExtensible(let key): "\"\(key)\" is defined already and cannot be added to here"
      case .notUTF8: "the text is not UTF-8"
      case .tooDeep(let limit): "values are nested more than \(limit) deep"
      }
    return "line \(line), column \(column): \(text)"
  }
}
