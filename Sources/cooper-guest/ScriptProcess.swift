import CGuest
import Confinement
import Glibc
import MachineProtocol
import SystemPackage

/// The program of the job: in namespaces of its own, with the tree as its root.
///
/// It is the first process there, so that all it has started ends with it, and neither signals nor `reboot` reach the guest.
final class ScriptProcess {
  /// What this program is called with to become the one that enters the namespaces.
  static let argument = "enter"
  private static let jobDescriptor: Int32 = 3
  private static let readinessEvents = Int16(POLLIN)

  /// How it ended.
  struct Ending {
    var status: Int32
    var isLate: Bool
  }

  private let process: pid_t
  private let pump: pthread_t

  /// Starts the program, whose output goes to `log`.
  init(_ job: GuestJob, log: FileDescriptor) throws {
    // Through a pipe: who opens /dev/stderr once more gets the same pipe, but could not open the same port.
    let pipe = try FileDescriptor.pipe(options: .closeOnExec)
    let jobFile = try Self.file(of: job)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, pipe.writeEnd.rawValue, 1)
    posix_spawn_file_actions_adddup2(&actions, pipe.writeEnd.rawValue, 2)
    posix_spawn_file_actions_adddup2(&actions, jobFile.rawValue, Self.jobDescriptor)
    var arguments = [strdup("/init"), strdup(Self.argument), nil]
    // The runtime wants to know where it is before it asks anybody.
    var environment = [strdup("SWIFT_ROOT=/"), nil]
    defer { for text in arguments + environment { free(text) } }
    var process: pid_t = 0
    let result = posix_spawn(&process, "/proc/self/exe", &actions, nil, &arguments, &environment)
    try pipe.writeEnd.close()
    try jobFile.close()
    guard result == 0 else {
      errno = result
      throw GuestFailure("cannot start a process")
    }
    self.process = process
    pump = Self.forward(pipe.readEnd, to: log)
  }

  /// The job for the process, at its beginning.
  private static func file(of job: GuestJob) throws -> FileDescriptor {
    let file = try FileDescriptor.open(
      "/job", .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
    try file.writeAll(job.encoded)
    try file.seek(offset: 0, from: .start)
    return file
  }

  /// Copies what arrives, until nobody can write any more.
  private static func forward(_ source: FileDescriptor, to log: FileDescriptor) -> pthread_t {
    final class Ends {
      let source: FileDescriptor
      let log: FileDescriptor
      init(_ source: FileDescriptor, _ log: FileDescriptor) { (self.source, self.log) = (source, log) }
    }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(Ends(source, log)).toOpaque()
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let ends = Unmanaged<Ends>.fromOpaque(context).takeRetainedValue()
        var bytes = [UInt8](repeating: 0, count: 32 << 10)
        while let count = try? bytes.withUnsafeMutableBytes({ try ends.source.read(into: $0) }), count > 0 {
          _ = try? ends.log.writeAll(bytes.prefix(count))
        }
        return nil
      }, context)
    precondition(status == 0, "the kernel gives no thread")
    return thread
  }

  /// Waits for the program, and kills it after so many seconds; 0 is for ever.
  func wait(limit: UInt32) throws -> Ending {
    var watch = pollfd(fd: guest_watch(process), events: Self.readinessEvents, revents: 0)
    guard watch.fd >= 0 else { throw GuestFailure("cannot watch a process") }
    let patience = limit == 0 ? -1 : Int32(clamping: UInt64(limit) * 1000)
    var ready: Int32
    repeat { ready = poll(&watch, 1, patience) } while ready < 0 && errno == EINTR
    let isLate = ready == 0
    // Whatever it has started is in its namespaces and ends with it.
    if isLate { kill(process, SIGKILL) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    pthread_join(pump, nil)
    let signal = status & 0x7F
    return Ending(status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, isLate: isLate)
  }

  /// In the new process: enters the namespaces and becomes the program.
  static func enter() -> Never {
    setsid()
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(jobDescriptor, &piece, piece.count)
      if count <= 0 { break }
      bytes += piece.prefix(count)
    }
    close(jobDescriptor)
    guard let job = try? GuestJob(decoding: bytes) else { exit(125) }
    var launch = Launch(job.command.map(\.text), environment: job.environment.map(\.text))
    (launch.root, launch.processes, launch.output) = (Tree.root, "\(Tree.root)/proc", 1)
    launch.binds = Tree.binds(job)
    // All of the machine is the program's.
    launch.controlsKernel = true
    do {
      let first = try launch.start()
      first.letGo()
      exit(first.wait())
    } catch {
      Console.say("\(error)")
      exit(125)
    }
  }
}

extension [UInt8] {
  fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
