import ArchiveIO
import Glibc
import ImageBuild
import MachineProtocol
import Synchronization
import SystemPackage
import VirtualMachine

/// Real root in a virtual machine, which reaches nothing of this one (vm-executor.md).
///
/// The tree goes in as a read-only disk, and what the script changes comes back as a tar, so that this machine needs no privileges.
struct MachineExecutor: RootExecutor {
  private let machine: Machine
  private let accelerator: Machine.Accelerator

  /// A machine of what is there: QEMU in `PATH`, a kernel, and the guest program.
  ///
  /// - Throws: `MachineError`, `KernelError` for what is not.
  init(_ size: MachineSize, by accelerator: Machine.Accelerator, hasNetwork: Bool) async throws {
    guard !hasNetwork else {
      throw UsageError("the executors “kvm” and “tcg” have no network; leave out --network")
    }
    let environment = ProcessEnvironment.current
    var machine = try await Machine(
      qemu: QEMU.find(in: environment["PATH"] ?? "/usr/bin:/bin"),
      kernel: Self.kernel(environment),
      guest: Self.guest(environment))
    (machine.memory, machine.diskSize) = (size.memory, size.disk)
    (self.machine, self.accelerator) = (machine, accelerator)
    if accelerator == .kvm {
      let state = try await Thread.run { KVMProbe().run() }
      guard state == .usable else { throw MachineError.noKVM(reason: state.description) }
    }
  }

  /// The kernel that machines start: what `COOPER_KERNEL` names, or one that is found.
  static func kernel(_ environment: ProcessEnvironment) throws -> KernelFiles {
    try KernelFiles(
      named: environment["COOPER_KERNEL"].map { FilePath($0) }, cache: environment.cacheDirectory)
  }

  /// The program that works in machines: what `COOPER_GUEST` names, or the one beside this program.
  static func guest(_ environment: ProcessEnvironment) throws -> FilePath {
    try GuestProgram.find(
      named: environment["COOPER_GUEST"].map { FilePath($0) }, beside: FilePath(OwnProgram.path()))
  }

  /// A machine under KVM, where a machine has shown since this one was started that it works, or shows it now; nil where anything is missing.
  static func underKVM(_ size: MachineSize) async -> MachineExecutor? {
    let verdict = KVMVerdict(cache: ProcessEnvironment.current.cacheDirectory)
    if case .dead? = verdict?.state { return nil }
    guard access("/dev/kvm", R_OK | W_OK) == 0,
      let executor = try? await MachineExecutor(size, by: .kvm, hasNetwork: false)
    else { return nil }
    if verdict?.state == .usable { return executor }
    guard let directory = try? ScratchDirectory(in: ProcessEnvironment.current.temporaryDirectory.string)
    else { return nil }
    defer { directory.remove() }
    guard let state = try? await executor.machine.stateOfKVM(in: directory.path) else { return nil }
    verdict?.remember(state)
    return state == .usable ? executor : nil
  }

  var needsRealFiles: Bool { false }

  func run(_ task: RootTask) async throws -> Ownership {
    guard let root = task.root else {
      throw UsageError(
        "the executors “kvm” and “tcg” cannot show this machine's files to “\(task.script.name)”; set “enableFakechroot”, so that it sees the image as /"
      )
    }
    let directory = task.scratch.directory
    let changes = directory.appending("changes")
    defer { unlink(changes.string) }
    try await root.withMountPoints {
      let prepared = try PreparedScript(task.script, in: root)
      let disks = MachineDisks(at: directory)
      defer { disks.remove() }
      try await Thread.run {
        try disks.write(tree: task.scratch.root, task.ownership, for: prepared)
      }
      try await run(prepared.job, task.script, disks.all, in: directory, output: changes)
    }
    return try await Thread.run {
      let file = try FileRange(whole: DirectFile(reading: changes))
      return try ReturnedChanges.apply(
        BufferedSource(file.open()), to: task.scratch, ownership: task.ownership, copied: ChangeMark.copied)
    }
  }

  private func run(
    _ job: GuestJob, _ script: Script, _ disks: Machine.Disks, in directory: FilePath, output: FilePath
  ) async throws {
    let groups = EmulatorGroups()
    let shown = ShownOutput()
    do {
      try await machine.run(
        job, on: disks, by: accelerator, in: directory, output: output, log: { shown.show($0) },
        started: { groups.begin($0) })
      await groups.end()
    } catch {
      await groups.end()
      guard let error = error as? MachineError, let report = error.report else { throw error }
      throw script.failure(error.description, report: report, printed: shown)
    }
  }
}

/// How large a virtual machine is.
struct MachineSize {
  /// In MiB.
  var memory = 512
  /// What can be changed, in MiB.
  var disk = 1024
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
