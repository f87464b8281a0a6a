import ArchiveIO
import Foundation
import SystemPackage
import TestSupport
import Testing
import VirtualMachine

/// What goes wrong, each told apart from the others.
@Suite(.serialized) struct MachineFailureTests {
  /// What running the script throws.
  private func failure(
    _ script: String, timeLimit: UInt32 = 300, _ adjust: (inout Machine) -> Void = { _ in }
  ) async throws -> MachineError {
    var machine = try await MachineCase("echo base > etc/base")
    defer { machine.remove() }
    adjust(&machine.machine)
    let error = await #expect(throws: MachineError.self) {
      try await machine.run(script, timeLimit: timeLimit)
    }
    // Nothing but the beginning of an output stays.
    let names = try FileManager.default.contentsOfDirectory(atPath: machine.directory.path)
    #expect(Set(names).subtracting(["tree", "lower", "changes.tar"]).isEmpty)
    return try #require(error)
  }

  @Test func `a program that fails is told with its status and its report`() async throws {
    let error = try await failure("echo because > /report; exit 42")
    #expect(error == .program(status: 42, report: Array("because\n".utf8)))
    #expect(error.description == "the commands ended with status 42")
  }

  @Test func `a program that a signal ends is told with the signal`() async throws {
    // The shell is the first process of its namespace, which signals of its own do not reach.
    let error = try await failure("sh -c 'kill -TERM $$'; exit $?")
    #expect(error == .program(status: 143, report: []))
    #expect(error.description == "the commands ended with signal 15")
  }

  @Test func `a program that is not there is told`() async throws {
    #expect(try await failure("exec /bin/none") == .program(status: 127, report: []))
  }

  @Test func `a program that hangs is ended when its time is over, with all it has started`() async throws {
    let error = try await failure("sleep 1000 & trap '' TERM; sleep 1000", timeLimit: 3)
    #expect(error == .late(seconds: 3))
  }

  @Test func `a full disk is told apart from other failures`() async throws {
    let error = try await failure("dd if=/dev/zero of=/big bs=1M count=100 2>/dev/null") { $0.diskSize = 32 }
    #expect(error == .diskFull(status: 1, mebibytes: 32, report: []))
  }

  @Test func `too little memory is told apart from other failures`() async throws {
    let script = #"awk 'BEGIN { text = sprintf("%2000s", "x"); while (1) all[i++] = text i }'; exit $?"#
    let error = try await failure(script) { $0.memory = 192 }
    #expect(error == .outOfMemory(status: 137, mebibytes: 192, report: []))
  }

  @Test func `a kernel that stops is told, and is not tried again`() async throws {
    let error = try await failure("echo c > /proc/sysrq-trigger; sleep 100")
    guard case .panic(let reason, isAtWork: true) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(reason.hasPrefix("Kernel panic - not syncing"))
  }

  @Test func `a program that restarts the machine ends itself alone`() async throws {
    #expect(try await failure("reboot -f; sleep 100") == .program(status: 129, report: []))
  }

  @Test func `a machine that is started anew is told`() async throws {
    #expect(try await failure("echo b > /proc/sysrq-trigger; sleep 100") == .reset)
  }

  @Test func `a machine that does not start is ended in time`() async throws {
    let error = try await failure("true") { $0.limits.readyUnderEmulation = 1 }
    guard case .neverReady(seconds: 1, isKVM: false, _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test func `more output than is taken ends the machine`() async throws {
    let error = try await failure("dd if=/dev/zero of=/big bs=1M count=20 2>/dev/null") {
      $0.limits.outputByteCount = 4 << 20
    }
    #expect(error == .outputTooLarge(limit: 4 << 20))
  }

  @Test func `a disk that cannot be mounted is told`() async throws {
    let machine = try await MachineCase()
    defer { machine.remove() }
    try Data(repeating: 7, count: 1 << 20).write(
      to: URL(fileURLWithPath: machine.directory.appending("lower")))
    let error = await #expect(throws: MachineError.self) { try await machine.run("true") }
    guard case .guest(let reason)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains("/lower"))
  }

  @Test func `cancelling ends the machine`() async throws {
    let machine = try await MachineCase()
    defer { machine.remove() }
    let task = Task { try await machine.run("sleep 1000") }
    try await Task.sleep(for: .seconds(2))
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    let running = try await Program.run("pgrep", ["-f", machine.directory.path])
    #expect(running.text.isEmpty)
  }

  @Test func `a missing QEMU, and a missing guest program, are named`() async throws {
    let error = await #expect(throws: MachineError.self) { try await QEMU.find(in: "/nonexistent") }
    #expect(error == .noQEMU)
    #expect(error?.description.contains("qemu-system-x86") == true)
    let missing = #expect(throws: MachineError.self) {
      try GuestProgram.find(named: nil, beside: "/nonexistent/bin/cooper")
    }
    #expect(
      missing
        == .noGuest(searched: [
          "/nonexistent/bin/cooper-guest", "/nonexistent/libexec/cooper/cooper-guest",
        ]))
  }
}
