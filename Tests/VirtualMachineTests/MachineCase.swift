import ArchiveIO
import Foundation
import ImageBuild
import MachineProtocol
import Synchronization
import SystemPackage
import TestSupport
import VirtualMachine

/// A machine over a small tree of one static program, and what came of it.
struct MachineCase {
  let directory: TemporaryDirectory
  var machine: Machine

  /// The tree is one with busybox; `prepare` is a shell script that adds to it, in its root.
  init(_ prepare: String = "") async throws {
    try Program.require("busybox", package: "busybox-static")
    directory = try TemporaryDirectory()
    let script = """
      set -e
      mkdir -p "$1/tree/bin" && cd "$1/tree"
      mkdir dev proc sys etc tmp
      cp "$(command -v busybox)" bin/busybox
      bin/busybox --install -s bin
      for link in bin/*; do [ -L "$link" ] && ln -sfn /bin/busybox "$link"; done
      \(prepare)
      """
    try await Program.check("sh", ["-c", script, "sh", directory.path])
    let disk = try EROFSWriter(DirectFile(creating: FilePath(directory.appending("lower"))))
    try disk.add(ScratchMembers(FilePath(directory.appending("tree")), ownership: .real))
    _ = try disk.finish()
    let qemu = try await QEMU.find(in: "/usr/bin")
    let kernel = try KernelFiles(named: FilePath(try await MachineParts.kernel()), cache: nil)
    machine = try Machine(qemu: qemu, kernel: kernel, guest: FilePath(MachineParts.guest))
  }

  func remove() { directory.remove() }

  /// The tar of the changes.
  var output: String { directory.appending("changes.tar") }

  /// A shell script as a job.
  func job(_ script: String, timeLimit: UInt32 = 300) -> GuestJob {
    var job = GuestJob(command: ["/bin/sh", "-e", "-c", script].map { Array($0.utf8) })
    job.environment = [Array("PATH=/bin".utf8)]
    job.binds = [.init(.devices, at: Array("/dev".utf8)), .init(.system, at: Array("/sys".utf8))]
    job.timeLimit = timeLimit
    job.report = Array("/report".utf8)
    return job
  }

  /// Runs a shell script as root in the machine; gives what it printed.
  @discardableResult
  func run(_ script: String, timeLimit: UInt32 = 300) async throws -> String {
    try await run(job(script, timeLimit: timeLimit))
  }

  /// Runs a job, which the machine is given after `delay`, or never; gives what was printed.
  @discardableResult
  func run(_ job: GuestJob, after delay: Duration? = .zero) async throws -> String {
    let printed = Printed()
    let pending = try PendingJob()
    let giving = Task {
      guard let delay else { return }
      try await Task.sleep(for: delay)
      pending.give(job, log: { printed.append($0) })
    }
    defer { giving.cancel() }
    try await machine.run(
      pending, on: .init(lower: FilePath(directory.appending("lower"))), by: .tcg,
      in: FilePath(directory.path), output: FilePath(output))
    return printed.text
  }

  /// What a program prints.
  private final class Printed: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    func append(_ more: UnsafeRawBufferPointer) { bytes.withLock { $0 += more } }
    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
  }
}

/// The members of a tar of changes.
struct Changes {
  let members: [TarMember]
  private let contents: [[UInt8]: [UInt8]]

  /// Reads a tar; contents up to 1 MiB are kept.
  init(_ path: String) throws {
    let file = try FileDescriptor.open(FilePath(path), .readOnly)
    defer { try? file.close() }
    let reader = TarReader(BufferedSource(DescriptorSource(file, name: path)))
    var members: [TarMember] = []
    var contents: [[UInt8]: [UInt8]] = [:]
    while let member = try reader.next() {
      members.append(member)
      if member.byteCount <= 1 << 20 {
        contents[member.name] = try reader.readContent(of: member, limit: 1 << 20)
      }
    }
    (self.members, self.contents) = (members, contents)
  }

  var names: [String] { members.map { String(decoding: $0.name, as: UTF8.self) } }

  subscript(_ name: String) -> TarMember? { members.first { $0.name == Array(name.utf8) } }

  func text(_ name: String) -> String? {
    contents[Array(name.utf8)].map { String(decoding: $0, as: UTF8.self) }
  }
}
