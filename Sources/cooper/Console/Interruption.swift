import ArchiveIO
import Glibc
import ImageArchive
import Synchronization
import SystemPackage

/// Removes what must not stay when the user interrupts.
///
/// Directories, and files on file systems where a file must have a name from the beginning.
enum Interruption {
  private static let paths = Mutex<[FilePath]>([])
  /// Carries the signal's number from the handler, which may do next to nothing, to a thread, which may do everything.
  private static let pipe = try? FileDescriptor.pipe(options: .closeOnExec)

  /// Removes a file, or a directory with everything in it, when the program is ended by a signal.
  static func remove(_ path: FilePath) {
    let isFirst = paths.withLock { paths in
      paths.append(path)
      return paths.count == 1
    }
    if isFirst { watch() }
  }

  private static let scratch = Mutex<[FilePath]>([])

  /// Removes a directory with everything in it when the program ends, however that happens.
  ///
  /// The object that owns it may be in use by a thread to the last moment, and the program does not wait for threads.
  static func removeAtEnd(_ path: FilePath) {
    scratch.withLock { $0.append(path) }
    remove(path)
  }

  /// To be called before the program ends by itself.
  static func removeScratch() {
    for path in scratch.withLock({ $0 }) { OpenDirectory.removeTree(path) }
  }

  private static let groups = Mutex<[pid_t]>([])
  private static let hasCome = Atomic(false)
  private static let patience = 20
  private static let removalLimit = 500

  /// Ends a program that was started in a process group of its own, with all it has started, when a signal ends this one.
  static func end(group: pid_t) { groups.withLock { $0.append(group) } }

  /// Takes that back for a program that has ended; does not return when that was because of the signal, which ends this one any moment.
  static func hasEnded(group: pid_t) async {
    groups.withLock { $0.removeAll { $0 == group } }
    await waitForEnd()
  }

  /// As the terminal would do it, so that they clean up; what is still there after two seconds is killed.
  private static func endGroups() {
    let running = groups.withLock { $0 }
    for group in running { kill(-group, SIGINT) }
    for _ in 0..<patience where running.contains(where: { kill(-$0, 0) == 0 }) { usleep(100_000) }
    for group in running { kill(-group, SIGKILL) }
  }

  private static func watch() {
    guard let pipe else { return }
    Thread.detach {
      var number: UInt8 = 0
      guard withUnsafeMutableBytes(of: &number, { try? pipe.readEnd.read(into: $0) }) == 1 else { return }
      hasCome.store(true, ordering: .sequentiallyConsistent)
      endGroups()
      paths.withLock { $0.forEach(removeNow) }
      // Ending by the signal itself tells a calling shell what happened.
      signal(Int32(number), SIG_DFL)
      kill(getpid(), Int32(number))
    }
    catchSignals()
  }

  /// Removes what is there, and what other threads put there meanwhile: they stop when the directories are gone under them.
  private static func removeNow(_ path: FilePath) {
    for _ in 0..<removalLimit {
      if unlink(path.string) == 0 || errno == ENOENT { return }
      OpenDirectory.removeTree(path)
      usleep(10_000)
    }
  }

  /// Does not return once a signal has come, which ends the program any moment: what fails now fails because of that.
  static func waitForEnd() async {
    while hasCome.load(ordering: .sequentiallyConsistent) { try? await Task.sleep(for: .seconds(1)) }
  }

  /// Returns when the user wants the program to end; for a program that goes on until then.
  static func wait() async throws {
    guard let pipe else { return }
    catchSignals()
    try await Thread.run {
      var number: UInt8 = 0
      _ = try withUnsafeMutableBytes(of: &number) { try pipe.readEnd.read(into: $0) }
    }
  }

  private static func catchSignals() {
    for number in [SIGINT, SIGTERM, SIGHUP] where !isIgnored(number) {
      signal(number) { number in
        let byte = UInt8(truncatingIfNeeded: number)
        _ = withUnsafeBytes(of: byte) {
          Glibc.write(Interruption.pipe?.writeEnd.rawValue ?? -1, $0.baseAddress, 1)
        }
      }
    }
  }

  /// Whether whoever started us wants the signal ignored, as nohup does, and shells for what runs in the background.
  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
