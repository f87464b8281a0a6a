import ArchiveIO
import CMachine
import Glibc
import MachineProtocol
import SystemPackage

/// A QEMU that runs, and this side's ends of what leads to it.
///
/// It has its own process group, limits, no descriptor but those it needs, when root starts it another user, and ends with the thread that started it.
final class EmulatorProcess {
  /// Bytes of memory beside the guest's, most of them for translated code.
  private static let ownMemory: UInt64 = 2 << 30
  /// `nobody` on every Linux.
  private static let otherUser: uid_t = 65_534

  /// The process and its group.
  let process: pid_t
  /// What the kernel prints.
  let serial: FileDescriptor
  /// The port of `PortName.control`.
  let control: FileDescriptor
  /// The port of `PortName.log`.
  let log: FileDescriptor
  /// The port of `PortName.output`.
  let output: FileDescriptor
  /// What QEMU itself says.
  let messages: FileDescriptor

  /// Starts QEMU.
  ///
  /// - Throws: `FileError`, `Errno`.
  init(_ setup: MachineSetup) throws {
    var descriptors = Descriptors()
    var isRunning = false
    defer { descriptors.close(withOurs: !isRunning) }
    let null = try FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec)
    descriptors.add(null)
    messages = try descriptors.addMessages()
    let kernel = try descriptors.add(setup.kernel, isReadOnly: true)
    let initialRamdisk = try descriptors.add(setup.initialRamdisk, isReadOnly: true)
    let disks = [
      (DiskName.lower, setup.disks.lower, true), (DiskName.extra, setup.disks.extra, true),
      (DiskName.layers, setup.disks.layers, true), (DiskName.scratch, setup.scratch, false),
    ]
    var arguments = QEMUArguments(
      isKVM: setup.isKVM, memory: setup.memory, kernel: kernel, initialRamdisk: initialRamdisk, disks: [],
      ports: [])
    for case (let name, let path?, let isReadOnly) in disks {
      // QEMU looks at a disk before it opens it for writing.
      let numbers = try (isReadOnly ? [true] : [true, false]).map {
        try descriptors.add(path, isReadOnly: $0)
      }
      arguments.disks.append(.init(name: name, isReadOnly: isReadOnly, descriptors: numbers))
    }
    var sockets: [FileDescriptor] = []
    for name in ["", PortName.control, PortName.log, PortName.output] {
      let (ours, number) = try descriptors.addSocket()
      sockets.append(ours)
      arguments.ports.append((name, number))
    }
    (serial, control, log, output) = (sockets[0], sockets[1], sockets[2], sockets[3])
    process = try Self.start(setup, arguments.list, descriptors.theirs)
    isRunning = true
  }

  private static func start(
    _ setup: MachineSetup, _ arguments: [String], _ descriptors: [FileDescriptor]
  ) throws -> pid_t {
    // A user who is nobody can open no /dev/kvm.
    let isRoot = geteuid() == 0 && !setup.isKVM
    var command = ([setup.qemu.string] + arguments).map { strdup($0) } + [nil]
    // Nothing of the user's surroundings tells QEMU anything.
    var environment = [strdup("PATH=/usr/bin:/bin"), strdup("LC_ALL=C"), nil]
    defer { for text in command + environment { free(text) } }
    let numbers = descriptors.map(\.rawValue)
    let process = command.withUnsafeMutableBufferPointer { command in
      environment.withUnsafeMutableBufferPointer { environment in
        numbers.withUnsafeBufferPointer { numbers in
          setup.qemu.withPlatformString { path in
            var start = machine_start(
              path: path, arguments: command.baseAddress, environment: environment.baseAddress,
              descriptors: numbers.baseAddress, descriptor_count: numbers.count,
              file_limit: UInt(setup.diskSize) << 20,
              memory_limit: UInt(ownMemory) + UInt(setup.memory) << 20, user: isRoot ? otherUser : 0)
            return machine_spawn(&start)
          }
        }
      }
    }
    guard process > 0 else { throw FileError("start", setup.qemu.string, Errno(rawValue: -process)) }
    return process
  }

  /// Asks it to end, or with force makes it end, and what it may have started with it.
  func end(withForce: Bool) { kill(-process, withForce ? SIGKILL : SIGTERM) }

  /// Waits for the end of the process, and gives its status: of `waitpid`.
  func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status
  }

  deinit {
    for descriptor in [serial, control, log, output, messages] { try? descriptor.close() }
  }
}

/// What QEMU gets, in the order of its numbers there.
private struct Descriptors {
  private(set) var theirs: [FileDescriptor] = []
  private var ours: [FileDescriptor] = []

  @discardableResult
  mutating func add(_ descriptor: FileDescriptor) -> Int {
    theirs.append(descriptor)
    return theirs.count - 1
  }

  mutating func add(_ path: FilePath, isReadOnly: Bool) throws -> Int {
    do {
      return add(
        try FileDescriptor.open(path, isReadOnly ? .readOnly : .readWrite, options: .closeOnExec))
    } catch let error as Errno {
      throw FileError("open", path.string, error)
    }
  }

  /// Standard output and standard error, which lead here.
  mutating func addMessages() throws -> FileDescriptor {
    let (ours, number) = try addSocket()
    let copy = fcntl(theirs[number].rawValue, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw Errno(rawValue: errno) }
    add(FileDescriptor(rawValue: copy))
    return ours
  }

  mutating func addSocket() throws -> (ours: FileDescriptor, theirs: Int) {
    var ends: [Int32] = [0, 0]
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw Errno(rawValue: errno) }
    let own = FileDescriptor(rawValue: ends[0])
    ours.append(own)
    defer { add(FileDescriptor(rawValue: ends[1])) }
    guard fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 else { throw Errno(rawValue: errno) }
    return (own, theirs.count)
  }

  func close(withOurs: Bool) {
    for descriptor in theirs + (withOurs ? ours : []) { try? descriptor.close() }
  }
}
