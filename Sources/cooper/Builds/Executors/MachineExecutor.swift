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
  let machine: HostedMachine
  /// The machine of the first script, where that has started already.
  private var first: FirstMachine?

  init(machine: HostedMachine) { self.machine = machine }

  var needsRealFiles: Bool { false }
  var needsContents: Bool { false }

  func preparing<Value>(
    in directory: FilePath, _ body: (any RootExecutor) async throws -> Value
  ) async throws -> Value {
    var executor = self
    let first = FirstMachine(try ScriptMachine(machine, in: directory))
    executor.first = first
    return try await ending({ await first.take()?.end() }) { try await body(executor) }
  }

  func run(_ task: RootTask) async throws -> Ownership {
    guard let root = task.root else {
      throw UsageError(
        "the executors “kvm” and “tcg” cannot show this machine's files to “\(task.script.name)”; set “enableFakechroot”, so that it sees the image as /"
      )
    }
    let machine = try first?.take() ?? ScriptMachine(machine, in: task.scratch.directory)
    return try await ending(machine.end) {
      try await root.withMountPoints { try await machine.run(task, in: root) }
      return try await Thread.run { try machine.applyChanges(to: task) }
    }
  }
}

/// A machine that whoever runs the first script takes.
private final class FirstMachine: Sendable {
  private let machine: Mutex<ScriptMachine?>

  init(_ machine: ScriptMachine) { self.machine = Mutex(machine) }

  func take() -> ScriptMachine? {
    machine.withLock { machine in
      defer { machine = nil }
      return machine
    }
  }
}

/// A machine for one script, which starts when this is made.
private struct ScriptMachine: Sendable {
  private let disks: MachineDisks
  private let changes: FilePath
  private let machine: StartedMachine

  /// Starts it, with its files in `directory`.
  init(_ hosted: HostedMachine, in directory: FilePath) throws {
    disks = try MachineDisks(at: directory)
    changes = directory.appending("changes")
    machine = try hosted.start(on: disks.all, in: directory, output: changes)
  }

  /// Writes the disks, and runs the script.
  func run(_ task: RootTask, in root: ImageRoot) async throws {
    let prepared = try PreparedScript(task.script, in: root)
    try await Thread.run { try disks.write(tree: task.scratch.root, task.ownership, for: prepared) }
    let shown = ShownOutput()
    do {
      try await machine.run(prepared.job) { shown.show($0) }
    } catch let error as MachineError {
      guard let report = error.report else { throw error }
      throw task.script.failure(error.description, report: report, printed: shown)
    }
  }

  /// Brings back what the script changed.
  func applyChanges(to task: RootTask) throws -> Ownership {
    let file = try FileRange(whole: DirectFile(reading: changes))
    return try ReturnedChanges.apply(
      BufferedSource(file.open()), to: task.scratch, ownership: task.ownership, copied: ChangeMark.copied)
  }

  /// Ends it if it is still there, and removes its files.
  func end() async {
    await machine.end()
    disks.remove()
    unlink(changes.string)
  }
}
