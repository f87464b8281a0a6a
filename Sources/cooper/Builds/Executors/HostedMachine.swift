import ArchiveIO
import Glibc
import MachineProtocol
import Synchronization
import SystemPackage
import VirtualMachine

/// How large a virtual machine is.
struct MachineSize {
  /// In MiB.
  var memory = 512
  /// What can be changed, in MiB.
  var disk = 1024
}

/// A virtual machine made of what this one has, and what runs its instructions.
struct HostedMachine: Sendable {
  private let machine: Machine
  private let accelerator: Machine.Accelerator

  /// A machine of what is there: QEMU in `PATH`, a kernel, and the guest program.
  ///
  /// KVM is asked for by name here, so it is tried whatever was found out before.
  ///
  /// - Throws: `MachineError`, `KernelError` for what is not.
  init(_ size: MachineSize, by accelerator: Machine.Accelerator) async throws {
    let environment = ProcessEnvironment.current
    try await self.init(size, accelerator, environment)
    guard accelerator == .kvm else { return }
    let state = try await Thread.run { KVMProbe().run() }
    guard state == .usable else { throw MachineError.noKVM(reason: state.description) }
  }

  private init(
    _ size: MachineSize, _ accelerator: Machine.Accelerator, _ environment: ProcessEnvironment
  ) async throws {
    var machine = try await Machine(
      qemu: QEMU.find(in: environment["PATH"] ?? "/usr/bin:/bin"), kernel: Self.kernel(environment),
      guest: Self.guest(environment))
    (machine.memory, machine.diskSize) = (size.memory, size.disk)
    (self.machine, self.accelerator) = (machine, accelerator)
  }

  /// The kernel that machines start: what `COOPER_KERNEL` names, or one that is found.
  static func kernel(_ environment: ProcessEnvironment) throws -> KernelFiles {
    try KernelFiles(
      named: environment["COOPER_KERNEL"].map { FilePath($0) }, cache: environment.cacheDirectory)
  }

  /// What a machine of this user has shown of KVM since this machine was started; nil where that cannot be kept.
  static func verdict(_ environment: ProcessEnvironment) -> KVMVerdict? {
    let cache = environment.cacheDirectory
    let image = try? KernelFiles.image(named: environment["COOPER_KERNEL"].map { FilePath($0) }, cache: cache)
    return KVMVerdict(cache: cache, kernel: image)
  }

  /// The program that works in machines: what `COOPER_GUEST` names, or the one beside this program.
  static func guest(_ environment: ProcessEnvironment) throws -> FilePath {
    try GuestProgram.find(
      named: environment["COOPER_GUEST"].map { FilePath($0) }, beside: FilePath(OwnProgram.path()))
  }

  // MARK: KVM

  /// A machine under KVM, where one has shown since this machine was started that it works, or shows it now.
  ///
  /// - Parameter remembering: Whether what is found out counts until the next start of this machine.
  /// - Throws: `MachineError`, which is `.noKVM` when that does not work and emulation may; `KernelError`, `FileError`.
  static func underKVM(_ size: MachineSize, remembering: Bool) async throws -> HostedMachine {
    let environment = ProcessEnvironment.current
    let verdict = verdict(environment)
    let known = verdict?.state
    func settle(_ state: KVMState) throws {
      if remembering { verdict?.remember(state) }
      if state != .usable { throw MachineError.noKVM(reason: state.description) }
    }
    if let known, known != .usable { throw MachineError.noKVM(reason: known.description) }
    let probed = try await Thread.run { KVMProbe().run() }
    if probed != .usable { try settle(probed) }
    let hosted = try await HostedMachine(size, .kvm, environment)
    if known != .usable {
      let directory = try ScratchDirectory(in: environment.temporaryDirectory.string)
      defer { directory.remove() }
      try settle(await hosted.machine.stateOfKVM(in: directory.path))
    }
    return hosted
  }

  // MARK: Running

  /// Starts a machine, as `Machine.run` does, which is told later what to do.
  func start(on disks: Machine.Disks, in directory: FilePath, output: FilePath) throws -> StartedMachine {
    let job = try PendingJob()
    let machine = Task { try await run(job, on: disks, in: directory, output: output) }
    return StartedMachine(job, machine)
  }

  /// Runs a job, as `Machine.run` does; a signal that ends this program ends QEMU, too.
  private func run(
    _ job: PendingJob, on disks: Machine.Disks, in directory: FilePath, output: FilePath
  ) async throws {
    let groups = EmulatorGroups()
    try await ending(groups.end) {
      try await machine.run(
        job, on: disks, by: accelerator, in: directory, output: output, started: { groups.begin($0) })
    }
  }
}

/// A machine that starts, and waits for its job.
struct StartedMachine: Sendable {
  private let job: PendingJob
  private let machine: Task<Void, any Error>

  fileprivate init(_ job: PendingJob, _ machine: Task<Void, any Error>) {
    (self.job, self.machine) = (job, machine)
  }

  /// Gives the machine its job, now that its disks are written, and returns when it has done it; can be called once.
  ///
  /// - Throws: `MachineError`, `FileError`, `CancellationError`.
  func run(
    _ task: GuestJob, log: @escaping @Sendable (UnsafeRawBufferPointer) -> Void = { _ in }
  ) async throws {
    job.give(task, log: log)
    try await withTaskCancellationHandler {
      try await machine.value
    } onCancel: {
      machine.cancel()
    }
  }

  /// Ends the machine if it is still there.
  func end() async {
    machine.cancel()
    _ = await machine.result
  }
}

/// The process groups of QEMU, one after another, while a signal that ends this program must end them too.
private final class EmulatorGroups: Sendable {
  private let groups = Mutex<[pid_t]>([])

  func begin(_ process: pid_t) {
    groups.withLock { $0.append(process) }
    Interruption.end(group: process)
  }

  func end() async {
    for process in groups.withLock({ $0 }) { await Interruption.hasEnded(group: process) }
  }
}
