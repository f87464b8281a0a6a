import Glibc
import SystemPackage

/// Asks the user something.
struct Terminal: Sendable {
  /// Where keys come from.
  var input: FileDescriptor
  /// Where prompts go; not standard output, which may be a pipe.
  var output: FileDescriptor

  /// Standard input and standard error.
  static let standard = Terminal(input: .standardInput, output: .standardError)

  /// A line, shown as it is typed.
  ///
  /// Nil at the end of input.
  ///
  /// - Throws: `LoginError.noTerminal`.
  func line(prompt: String) throws -> String? {
    guard isatty(input.rawValue) == 1 else { throw LoginError.noTerminal }
    try output.writeAll(prompt.utf8)
    var bytes: [UInt8] = []
    while let byte = try next() {
      if byte == 0x0A { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  /// A line that is not shown.
  ///
  /// Keys are read one by one and Ctrl-C is a key among them, so that the terminal is never left without
  /// echo.
  ///
  /// - Throws: `LoginError.noTerminal`, `.cancelled`.
  func secret(prompt: String) throws -> String {
    var before = termios()
    guard tcgetattr(input.rawValue, &before) == 0 else { throw LoginError.noTerminal }
    var silent = before
    silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
    guard tcsetattr(input.rawValue, TCSAFLUSH, &silent) == 0 else { throw LoginError.noTerminal }
    defer { _ = tcsetattr(input.rawValue, TCSAFLUSH, &before) }
    // The prompt comes after the echo is off, so whoever waits for it may type.
    try output.writeAll(prompt.utf8)
    defer { _ = try? output.writeAll("\n".utf8) }
    return try String(decoding: keys(), as: UTF8.self)
  }

  private func keys() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while let byte = try next() {
      switch byte {
      case 0x0A, 0x0D, 0x04: return bytes
      case 0x03: throw LoginError.cancelled
      case 0x15: bytes = []  // Ctrl-U
      case 0x08, 0x7F:  // one character, which may have several bytes
        while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
      default: bytes.append(byte)
      }
    }
    return bytes
  }

  private func next() throws -> UInt8? {
    var byte: UInt8 = 0
    let count = try withUnsafeMutableBytes(of: &byte) { try input.read(into: $0) }
    return count == 1 ? byte : nil
  }
}
