import ArchiveIO
import Glibc
import ImageBuild
import MachineProtocol
import SystemPackage
import VirtualMachine

/// Real root in a virtual machine, which reaches nothing of this one (vm-executor.md).
///
/// The tree goes in as a read-only disk, and what the script changes comes back as a tar, so that this machine needs no privileges.
struct MachineExecutor: RootExecutor {
  let machine: HostedMachine

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
    let shown = ShownOutput()
    do {
      try await machine.run(job, on: disks, in: directory, output: output) { shown.show($0) }
    } catch let error as MachineError {
      guard let report = error.report else { throw error }
      throw script.failure(error.description, report: report, printed: shown)
    }
  }
}
