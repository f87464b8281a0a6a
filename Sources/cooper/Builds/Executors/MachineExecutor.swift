import ArchiveIO
import Glibc
import ImageBuild
import MachineProtocol
import Synchronization
import SystemPackage
import VirtualMachine

/// Real root in a virtual machine, which reaches nothing of this one (vm-executor.md).
///
/// The tree goes in as a read-only disk, made of layers, and what the script changes comes back as a tar, which is one more layer: no file of the image
/// is ever one of this machine, which needs no privileges.
struct MachineExecutor: RootExecutor {
  let machine: HostedMachine
  /// The machine of the first script, where that has started already.
  private var first: FirstMachine?

  init(machine: HostedMachine) { self.machine = machine }

  var place: ScriptTree.Place { .memory }

  func preparing<Value>(
    in directory: FilePath, _ body: (any RootExecutor) async throws -> Value
  ) async throws -> Value {
    var executor = self
    let first = FirstMachine(try ScriptMachine(machine, in: directory))
    executor.first = first
    return try await ending({ await first.take()?.end() }) { try await body(executor) }
  }

  func run(_ task: RootTask) async throws -> ScriptTree {
    guard let root = task.root else {
      throw UsageError(
        "the executors “kvm” and “tcg” cannot show this machine's files to “\(task.script.name)”; set “enableFakechroot”, so that it sees the image as /"
      )
    }
    let machine = try first?.take() ?? ScriptMachine(machine, in: task.scratch.directory)
    return try await ending(machine.end) {
      try await .memory(machine.run(task, in: root))
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

  /// Writes the disks, runs the script, and gives what it made of the tree.
  func run(_ task: RootTask, in root: ImageRoot) async throws -> GuestTree {
    let prepared = try PreparedScript(task.script, in: root)
    let (tree, mountPoints) = try await Thread.run {
      var tree = try task.guestTree()
      let made = tree.makeDirectories(root.mountPoints.map { Array($0.utf8) })
      try disks.write(tree, for: prepared)
      return (tree, made)
    }
    let shown = ShownOutput()
    do {
      try await machine.run(prepared.job) { shown.show($0) }
    } catch let error as MachineError {
      guard let report = error.report else { throw error }
      throw task.script.failure(error.description, report: report, printed: shown)
    }
    return try await Thread.run {
      var changed = tree
      try changed.apply(FileRange(whole: DirectFile(reading: changes)))
      changed.removeEmptyDirectories(mountPoints.reversed())
      return changed
    }
  }

  /// Ends it if it is still there, and removes its files.
  func end() async {
    await machine.end()
    disks.remove()
    unlink(changes.string)
  }
}

extension RootTask {
  /// The tree in memory; one on disk belongs to root.
  fileprivate func guestTree() throws -> GuestTree {
    switch tree {
    case .memory(let tree): tree
    case .disk: try GuestTree(scratch)
    }
  }
}
