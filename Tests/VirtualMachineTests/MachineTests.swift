import ArchiveIO
import Foundation
import MachineProtocol
import SystemPackage
import TestSupport
import Testing
import VirtualMachine

@Suite struct MachineTests {
  @Test func `a program runs as root, and its changes come back`() async throws {
    let machine = try await MachineCase("echo old > etc/old; echo same > etc/same")
    defer { machine.remove() }
    let printed = try await machine.run("id -u; echo new > /etc/new; rm /etc/old")
    #expect(printed == "0\n")
    let names = try await Program.check("tar", ["-tf", machine.output]).text.split(separator: "\n")
    #expect(names == ["./", "./etc/", "./etc/new", "./etc/.wh.old"])
  }

  @Test func `a machine may start before there is anything on its disks`() async throws {
    let machine = try await MachineCase("echo late > etc/late")
    defer { machine.remove() }
    let finished = machine.directory.appending("lower")
    let lower = FilePath(machine.directory.appending("reserved"))
    let disk = try ReservedDisk.create(at: lower)
    let job = try PendingJob()
    let started = Task {
      try await machine.machine.run(
        job, on: .init(lower: lower), by: .tcg, in: FilePath(machine.directory.path),
        output: FilePath(machine.output))
    }
    // By then the kernel has looked for partitions.
    try await Task.sleep(for: .seconds(10))
    let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: finished)))
    try bytes.withUnsafeBytes { try disk.write($0, at: 0) }
    job.give(machine.job("cp /etc/late /etc/copy"), log: { _ in })
    try await started.value
    #expect(try Changes(machine.output).text("./etc/copy") == "late\n")
  }

  /// What is found out of KVM by.
  @Test func `a machine over nothing starts, and finds no program`() async throws {
    let machine = try await MachineCase()
    defer { machine.remove() }
    let lower = FilePath(machine.directory.appending("nothing"))
    _ = try EROFSWriter(DirectFile(creating: lower)).finish()
    let error = await #expect(throws: MachineError.self) {
      let job = try PendingJob()
      job.give(GuestJob(command: []), log: { _ in })
      try await machine.machine.run(
        job, on: .init(lower: lower), by: .tcg, in: FilePath(machine.directory.path),
        output: FilePath(machine.output))
    }
    #expect(error == .program(status: 125, report: []))
  }

  @Test func `more is written and read than fits into memory`() async throws {
    var machine = try await MachineCase()
    defer { machine.remove() }
    machine.machine.memory = 192
    let script = "dd if=/dev/zero of=/big bs=1M count=220 2>/dev/null; cat /big | wc -c; rm /big"
    #expect(try await machine.run(script) == "230686720\n")
  }
}
