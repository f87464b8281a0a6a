import Glibc

/// Does what is expected of the first process of a pid namespace, which a builder is in Nix's sandbox: it takes leave of orphans that have ended.
///
/// Without it fakeroot waits forever for its daemon to be gone.
enum FirstProcess {
  /// Whether this is one.
  static var isThis: Bool { getpid() == 1 }

  /// Runs this program again with the same arguments, and gives its exit status when it has ended.
  static func runAgain() throws -> Int32 {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Threads of Swift's task pool block signals, and children inherit that.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
    defer { arguments.forEach { free($0) } }
    arguments.append(nil)
    var child: pid_t = 0
    let result = posix_spawn(&child, "/proc/self/exe", nil, &attributes, arguments, environ)
    guard result == 0 else {
      throw UsageError("this program cannot be started again: \(String(cString: strerror(result)))")
    }
    var status: Int32 = 0
    while true {
      let ended = waitpid(-1, &status, 0)
      if ended == child { break }
      guard ended > 0 || errno == EINTR else { return ExitStatus.failed.rawValue }
    }
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }
}
