import ArgumentParser
import ArchiveIO
import Confinement
import Glibc
import SystemPackage

/// `cooper run-confined`, which builds start themselves: a program and what it starts get `SystemCallFilter`.
struct RunConfined: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run-confined", abstract: "Runs proot so that it knows every system call with a path.",
    shouldDisplay: false)

  @Argument(parsing: .captureForPassthrough) var command: [String]

  mutating func run() throws {
    guard let program = command.first else { throw ValidationError("There is no program to run.") }
    // This thread is one of Swift's task pool, which blocks signals, and the program has its own idea of broken pipes.
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
    signal(SIGPIPE, SIG_DFL)
    try SystemCallFilter.refuseYoungPathCalls()
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    arguments.append(nil)
    execv(program, arguments)
    throw FileError("start", program, Errno(rawValue: errno))
  }

  /// The command line that confines another one.
  static func prefix() throws -> [String] { [try program(), configuration.commandName ?? ""] }

  /// The path of this program.
  static func program() throws -> String {
    guard let path = realpath("/proc/self/exe", nil) else {
      throw FileError("find", "/proc/self/exe", Errno(rawValue: errno))
    }
    defer { free(path) }
    return String(cString: path)
  }
}
