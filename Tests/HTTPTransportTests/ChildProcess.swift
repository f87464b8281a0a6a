import Glibc

/// A child process, started and awaited with system calls alone.
///
/// Foundation's `Process` does not do here: it waits on a run loop that the threads of tasks do not have, and
/// its children inherit the signal mask of those threads, so that nginx never sees SIGTERM.
struct ChildProcess {
  let id: pid_t

  struct Failure: Error, CustomStringConvertible { let description: String }

  /// Starts `arguments[0]`, a path, with standard streams that lead to `/dev/null`.
  init(_ arguments: [String]) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in 0...2 as ClosedRange<CInt> {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let words = arguments.map { strdup($0) } + [nil]
    defer { words.forEach { free($0) } }
    var id = pid_t()
    let code = posix_spawn(&id, arguments[0], &actions, &attributes, words, environ)
    guard code == 0 else { throw Failure(description: "\(arguments): \(String(cString: strerror(code)))") }
    self.id = id
  }

  /// Runs a program to its end.
  static func run(_ arguments: [String]) throws {
    let status = try ChildProcess(arguments).wait()
    guard status == 0 else { throw Failure(description: "\(arguments): status \(status)") }
  }

  /// Whether it has not ended yet.
  var isRunning: Bool {
    var information = siginfo_t()
    return waitid(P_PID, id_t(id), &information, WEXITED | WNOHANG | WNOWAIT) == 0
      && information.si_signo == 0
  }

  func terminate() { kill(id, SIGTERM) }

  /// The status as `waitpid` gives it; 0 is success.
  @discardableResult func wait() -> CInt {
    var status: CInt = 0
    while waitpid(id, &status, 0) < 0, errno == EINTR {}
    return status
  }
}
