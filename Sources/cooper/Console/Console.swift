import Glibc
import OrderedJSON

/// What people see on standard error, and whether they see it on a terminal.
enum Console {
  /// Whether standard error is a terminal that understands cursor movements.
  static let isTerminal: Bool = {
    guard isatty(STDERR_FILENO) == 1, let terminal = getenv("TERM") else { return false }
    return String(cString: terminal) != "dumb"
  }()

  /// The number of columns, when standard output is a terminal.
  static var outputWidth: Int? {
    var size = winsize()
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// One line on standard error.
  static func error(_ line: String) { write(line + "\n") }

  /// Text on standard error, in one piece so that lines of several threads do not mix.
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
        // There is nobody to tell when standard error does not take it.
        guard count > 0 else { return }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }

  /// Bytes on standard output.
  ///
  /// - Throws: `OutputError` when they cannot be written, for instance because a pipe is closed or a disk is full.
  static func output(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let count = Glibc.write(STDOUT_FILENO, rest.baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw OutputError(reason: String(cString: strerror(errno))) }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }

  /// A line on standard output.
  static func output(_ line: String) throws { try output(Array((line + "\n").utf8)) }

  /// JSON on standard output, indented, with a newline at the end.
  static func output(_ json: JSONObject) throws {
    try output(JSONValue.object(json).serialized(.indented(by: 2)) + [UInt8(ascii: "\n")])
  }
}

/// Standard output did not take what was written.
struct OutputError: Error, CustomStringConvertible {
  var reason: String
  var description: String { "cannot write to standard output: \(reason)" }
}
