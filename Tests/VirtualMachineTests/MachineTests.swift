import ArchiveIO
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
