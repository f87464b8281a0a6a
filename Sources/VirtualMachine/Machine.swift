import ArchiveIO
import Glibc
import MachineProtocol
public import SystemPackage

/// A virtual machine that runs one program as root over a tree, and gives back what that changed; or that unpacks layers, and gives back the tree.
///
/// It can start while its disks are being written, since starting takes a processor seconds under emulation: the guest looks at them when it has its
/// job, and not before.
///
/// Its root can reach nothing but the disks: the tree and what else it is given are read-only, what it changes is forgotten with the machine but for
/// the tar that comes back, and there is no network.
public struct Machine: Sendable {
  /// A panic before the guest has its job may be the emulator's mistake, so it is tried as often again.
  private static let retries = 2

  /// What runs the machine's instructions.
  public enum Accelerator: Sendable, Hashable {
    /// The processor itself.
    case kvm
    /// QEMU's emulation: 20 to 60 times slower, and needs nothing.
    case tcg
  }

  /// What a job is given.
  public struct Disks: Sendable, Hashable {
    /// The tree that is a program's root, an EROFS image; nil when layers are unpacked.
    public let lower: FilePath?
    /// What the job's binds take from, an EROFS image; nil when they take nothing.
    public let extra: FilePath?
    /// What is unpacked, as `GuestJob.layers` says; nil when a program runs.
    public let layers: FilePath?

    /// Those of a program.
    public init(lower: FilePath, extra: FilePath? = nil) {
      (self.lower, self.extra, layers) = (lower, extra, nil)
    }

    /// Those for unpacking.
    public init(layers: FilePath) { (lower, extra, self.layers) = (nil, nil, layers) }
  }

  /// The memory in MiB.
  public var memory = 512
  /// The size of what can be changed in MiB.
  public var diskSize = 1024
  /// How long it may take.
  public var limits = MachineLimits()
  private let qemu: QEMU
  private let kernel: KernelFiles
  private let guest: FilePath

  /// A machine of these parts.
  public init(qemu: QEMU, kernel: KernelFiles, guest: FilePath) {
    (self.qemu, self.kernel, self.guest) = (qemu, kernel, guest)
  }

  /// Starts, waits for the job, does it, and writes what it changed to the file `output` as a tar with OCI whiteouts, all names of a changed file among
  /// them; or of layers the tree, as a tar that has nothing of the kind.
  ///
  /// Where it says nothing else, success means that the program ended with status 0 and that the tar is complete. On cancellation, and whenever this
  /// throws, QEMU is gone.
  ///
  /// - Parameters:
  ///   - job: what is to be done; the disks must be there as files before, and have their content when it is given.
  ///   - directory: a directory that only its owner can look into, for disks; nothing stays there but `output`.
  ///   - started: gets QEMU's process group, for whoever must end it in a hurry.
  /// - Throws: `MachineError`, `FileError`, `CancellationError`.
  public func run(
    _ job: PendingJob, on disks: Disks, by accelerator: Accelerator, in directory: FilePath, output: FilePath,
    started: @escaping @Sendable (Int32) -> Void = { _ in }
  ) async throws {
    if accelerator == .tcg { try qemu.checkEmulation(of: kernel) }
    let setup = MachineSetup(
      qemu: qemu.path, isKVM: accelerator == .kvm, memory: memory, kernel: kernel.image,
      initialRamdisk: directory.appending("initial-ramdisk"), disks: disks,
      scratch: directory.appending("scratch"), diskSize: diskSize, output: output, limits: limits)
    defer { for path in [setup.initialRamdisk, setup.scratch] { unlink(path.string) } }
    try await Thread.run { try writeRamdisk(to: setup.initialRamdisk) }
    for attempt in 0... {
      do {
        return try await start(setup, job, started: started)
      } catch MachineError.panic(let reason, let isAtWork) {
        guard !isAtWork, accelerator == .tcg, attempt < Self.retries else {
          throw MachineError.panic(reason: reason, isAtWork: isAtWork)
        }
      }
    }
  }

  private func start(
    _ setup: MachineSetup, _ job: PendingJob, started: @escaping @Sendable (Int32) -> Void
  ) async throws {
    try await Thread.run {
      try ScratchDisk(byteCount: Int64(diskSize) << 20).write(to: DirectFile(creating: setup.scratch))
    }
    let interruption = try PollSignal()
    try await withTaskCancellationHandler {
      try Task.checkCancellation()
      // QEMU ends with the thread that starts it, so that is the one that waits for it.
      try await Thread.run {
        let run = try MachineRun(setup, job)
        started(run.processGroup)
        try run.follow(until: interruption)
      }
    } onCancel: {
      interruption.raise()
    }
  }

  private func writeRamdisk(to path: FilePath) throws {
    var files = InitialRamdisk()
    // The kernel gives the first program its standard streams there.
    files.addDevice("dev/console", TarDevice(major: 5, minor: 1))
    files.addFile("init", copying: guest, mode: 0o755)
    files.addDirectory(RamdiskPath.modules)
    for (index, module) in kernel.modules.enumerated() {
      files.addModule("\(RamdiskPath.modules)/\(index)", module)
    }
    guard let name = path.lastComponent?.string else { return }
    let directory = try OpenDirectory(path.removingLastComponent())
    // QEMU may be another user, who gets the open file and opens it once more.
    try directory.createFile(Array(name.utf8), from: files.open(), mode: 0o644)
  }
}

extension Machine {
  /// Finds out whether the machine starts under KVM, by starting one that does nothing; `directory` is for its disks.
  public func stateOfKVM(in directory: FilePath) async throws -> KVMState {
    let lower = directory.appending("nothing")
    defer { for name in ["nothing", "no-changes"] { unlink(directory.appending(name).string) } }
    _ = try EROFSWriter(DirectFile(creating: lower)).finish()
    do {
      let job = try PendingJob()
      job.give(GuestJob(command: []), log: { _ in })
      try await run(
        job, on: Disks(lower: lower), by: .kvm, in: directory, output: directory.appending("no-changes"))
      return .usable
    } catch MachineError.program {
      // There is no program, but it was looked for.
      return .usable
    } catch let error as MachineError {
      return .dead(error.description)
    }
  }
}
