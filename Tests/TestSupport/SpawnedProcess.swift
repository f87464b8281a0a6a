import Foundation
import Synchronization

/// A child process in a process group of its own.
///
/// Not Foundation's `Process`, which lets children that are started at the same time inherit each other's pipes.
struct SpawnedProcess {
  /// The process, and its group.
  let pid: pid_t

  /// Starts a program with the given descriptors as its standard ones.
  init(
    path: String, arguments: [String], environment: [String: String],
    input: Int32, output: Int32, errors: Int32
  ) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setpgroup(&attributes, 0)
    // A test runner ignores or blocks some signals; a child must not inherit that.
    var none = sigset_t()
    sigemptyset(&none)
    var pipe = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &pipe)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var process: pid_t = 0
    let variables = environment.map { "\($0.key)=\($0.value)" }
    let code = Self.withCStrings([path] + arguments) { arguments in
      Self.withCStrings(variables) { variables in
        DescriptorInheritance.lock.withLock { _ in
          posix_spawn(&process, path, &actions, &attributes, arguments, variables)
        }
      }
    }
    guard code == 0 else { throw TestSupportError.system("start \(path)", code) }
    pid = process
  }

  /// Waits for the end: the exit status, or 128 and the signal's number.
  func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 {
      guard errno == EINTR else { return -1 }
    }
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  /// Sends a signal to the process and what it started.
  func signal(_ number: Int32) { kill(-pid, number) }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
  }
}

/// A pipe whose ends children do not inherit, unless they are given one.
struct ClosingPipe {
  let reading: Int32
  let writing: Int32

  init() throws {
    var ends: [Int32] = [0, 0]
    let made = DescriptorInheritance.lock.withLock { _ in
      guard pipe(&ends) == 0 else { return false }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      return true
    }
    guard made else { throw TestSupportError.system("pipe", errno) }
    (reading, writing) = (ends[0], ends[1])
  }
}

/// Keeps descriptors from slipping into children that another thread starts.
enum DescriptorInheritance {
  /// Held while a child is started, and between making a descriptor and marking it as close-on-exec: `pipe2` and `accept4`, which
  /// do both at once, are GNU extensions that Swift does not import.
  static let lock = Mutex<Void>(())
}
