import Foundation
import SystemPackage
import Testing

@testable import cooper

@Suite struct TerminalTests {
  /// A pseudo-terminal: what is typed at `keyboard` is read from `terminal`.
  private struct Pair {
    let keyboard: FileDescriptor
    let terminal: Terminal

    init() throws {
      let noControllingTerminal = FileDescriptor.OpenOptions(rawValue: O_NOCTTY)
      keyboard = try FileDescriptor.open("/dev/ptmx", .readWrite, options: noControllingTerminal)
      // Swift does not see grantpt(3) and its kin; these are the requests behind unlockpt and ptsname
      // (TIOCSPTLCK, TIOCGPTN).
      var unlocked: CInt = 0
      var number: CUnsignedInt = 0
      try #require(ioctl(keyboard.rawValue, 0x4004_5431, &unlocked) == 0)
      try #require(ioctl(keyboard.rawValue, 0x8004_5430, &number) == 0)
      let side = try FileDescriptor.open(
        FilePath("/dev/pts/\(number)"), .readWrite, options: noControllingTerminal)
      terminal = Terminal(input: side, output: side)
    }

    var echoes: Bool {
      var state = termios()
      tcgetattr(terminal.input.rawValue, &state)
      return state.c_lflag & tcflag_t(ECHO) != 0
    }

    /// What is shown until the text ends with `ending`.
    func shown(until ending: String) throws -> String {
      var text = ""
      var byte: UInt8 = 0
      // By bytes: "\r\n" is one character, which does not end in "\n".
      while !text.utf8.reversed().starts(with: ending.utf8.reversed()) {
        guard try withUnsafeMutableBytes(of: &byte, { try keyboard.read(into: $0) }) == 1 else { break }
        text.unicodeScalars.append(Unicode.Scalar(byte))
      }
      return text
    }

    /// Asks on a thread of its own: waiting for keys on the tasks' threads would leave none to type them.
    func secret(prompt: String) -> AsyncThrowingStream<String, any Error> {
      AsyncThrowingStream { continuation in
        let terminal = terminal
        Thread.detachNewThread {
          do {
            continuation.yield(try terminal.secret(prompt: prompt))
            continuation.finish()
          } catch {
            continuation.finish(throwing: error)
          }
        }
      }
    }

    func close() {
      try? keyboard.close()
      try? terminal.input.close()
    }
  }

  @Test(arguments: [
    ("hunter2\n", "hunter2"), ("a:b c\r", "a:b c"), ("abc\u{7F}\u{7F}d\n", "ad"), ("\u{7F}x\n", "x"),
    ("aé\u{8}b\n", "ab"), ("wrong\u{15}right\n", "right"), ("end\u{4}", "end"), ("\n", ""),
  ]) func `a secret is read without being shown`(keys: String, expected: String) async throws {
    let pair = try Pair()
    defer { pair.close() }
    let secret = pair.secret(prompt: "Password: ")
    #expect(try pair.shown(until: ": ") == "Password: ")
    #expect(!pair.echoes)
    try pair.keyboard.writeAll(Array(keys.utf8))
    #expect(try await secret.first { _ in true } == expected)
    #expect(pair.echoes)
    #expect(try pair.shown(until: "\n") == "\r\n")
  }

  @Test func `Ctrl-C at the prompt is an error and gives the echo back`() async throws {
    let pair = try Pair()
    defer { pair.close() }
    let secret = pair.secret(prompt: "? ")
    _ = try pair.shown(until: "? ")
    try pair.keyboard.writeAll([0x61, 0x03])
    await #expect(throws: LoginError.cancelled) { try await secret.first { _ in true } }
    #expect(pair.echoes)
  }

  @Test func `a line is asked for`() throws {
    let pair = try Pair()
    defer { pair.close() }
    try pair.keyboard.writeAll(Array("user\n".utf8))
    #expect(try pair.terminal.line(prompt: "Name: ") == "user")
  }

  @Test func `without a terminal nothing is asked`() throws {
    let pipe = try FileDescriptor.pipe()
    defer {
      try? pipe.readEnd.close()
      try? pipe.writeEnd.close()
    }
    let terminal = Terminal(input: pipe.readEnd, output: pipe.writeEnd)
    #expect(throws: LoginError.noTerminal) { try terminal.secret(prompt: "? ") }
    #expect(throws: LoginError.noTerminal) { try terminal.line(prompt: "? ") }
  }

  @Test(arguments: [("p\n", "p"), ("p\r\n", "p"), ("p", "p"), (" p q \n\n", " p q \n"), ("", "")])
  func `a password on standard input loses one line end and nothing else`(text: String, expected: String)
    throws
  {
    let pipe = try FileDescriptor.pipe()
    defer { try? pipe.readEnd.close() }
    try pipe.writeEnd.closeAfter { _ = try pipe.writeEnd.writeAll(Array(text.utf8)) }
    #expect(try StandardInput.firstText(pipe.readEnd) == expected)
  }

  @Test(arguments: [[0xFF], [0x61, 0x00, 0x62]] as [[UInt8]])
  func `a password that is no text is refused`(bytes: [UInt8]) throws {
    let pipe = try FileDescriptor.pipe()
    defer { try? pipe.readEnd.close() }
    try pipe.writeEnd.closeAfter { _ = try pipe.writeEnd.writeAll(bytes) }
    #expect(throws: LoginError.self) { try StandardInput.firstText(pipe.readEnd) }
  }
}
