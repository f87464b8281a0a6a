import Foundation
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
}
