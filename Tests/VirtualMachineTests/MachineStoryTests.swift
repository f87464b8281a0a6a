import Foundation
import MachineProtocol
import SystemPackage
import TestSupport
import Testing
import VirtualMachine

/// What a machine is believed to have done: a shell script takes QEMU's place and says anything.
@Suite struct MachineStoryTests {
  /// The numbers of QEMU's descriptors when there is no extra disk.
  private static let head = "serial=8 control=9 log=10 output=11"

  /// What comes of a machine whose QEMU is this script, and which is given its job after `delay`, or never; and how often it was started.
  private func outcome(
    of script: String, limits: MachineLimits = MachineLimits(), job: GuestJob = GuestJob(command: []),
    after delay: Duration? = .zero
  ) async throws -> (error: (any Error)?, starts: Int) {
    var machine = try await MachineCase()
    defer { machine.remove() }
    // It may run as another user.
    chmod(machine.directory.path, 0o755)
    let starts = try machine.directory.write("", to: "starts")
    chmod(starts, 0o666)
    let emulator = try await machine.directory.writeProgram(
      "#!/bin/bash\n\(Self.head)\necho start >>'\(starts)'\n\(script)\n", to: "emulator")
    let kernel = try KernelFiles(named: FilePath(try await MachineParts.kernel()), cache: nil)
    machine.machine = try Machine(
      qemu: QEMU(path: FilePath(emulator), version: "10.0"), kernel: kernel,
      guest: FilePath(MachineParts.guest))
    machine.machine.limits = limits
    var error: (any Error)?
    do {
      try await machine.run(job, after: delay)
    } catch let found {
      error = found
    }
    return (error, try machine.directory.read("starts").split(separator: 0x0A).count)
  }

  /// Shell commands that send these records.
  private func send(_ records: GuestRecord...) -> String {
    records.map { "printf %s '\(String(decoding: $0.encoded, as: UTF8.self))' >&$control" }
      .joined(separator: "\n")
  }

  private let success = GuestRecord.ended(
    .init(status: 0, isLate: false, freeByteCount: 1 << 30, freeFileCount: 100, killedForMemory: 0))

  @Test func `what is told completely and ends is success`() async throws {
    let script = """
      \(send(.ready, .started, success))
      printf 12345 >&$output
      \(send(.output(members: 1, byteCount: 5), .done))
      head -c 1 <&$control >/dev/null
      """
    let (error, starts) = try await outcome(of: script)
    #expect(error == nil)
    #expect(starts == 1)
  }

  @Test(arguments: [0, 4, 6])
  func `a tar of another length is not believed`(byteCount: UInt64) async throws {
    let script = """
      \(send(.ready, .started, success))
      printf 12345 >&$output
      \(send(.output(members: 1, byteCount: byteCount), .done))
      """
    let error = try await outcome(of: script).error as? MachineError
    #expect(error == .damaged(reason: "5 bytes arrived instead of \(byteCount)"))
  }

  @Test func `without the last record nothing is believed`() async throws {
    let script = "\(send(.ready, .started, success, .output(members: 0, byteCount: 0)))"
    #expect(try await outcome(of: script).error as? MachineError == .reset)
  }

  @Test func `what the guest never says ends the machine`() async throws {
    let (error, starts) = try await outcome(of: "printf 'hello' >&$control; sleep 100")
    guard case .damaged? = error as? MachineError else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(starts == 1)
  }

  @Test func `a kernel that stops before anything works is tried twice more`() async throws {
    let script = "echo '[1.0] Kernel panic - not syncing: odd' >&$serial; exit 1"
    let (error, starts) = try await outcome(of: script)
    #expect(error as? MachineError == .panic(reason: "Kernel panic - not syncing: odd", isAtWork: false))
    #expect(starts == 3)
  }

  @Test func `a kernel that stops before there is a job is tried twice more`() async throws {
    let script = "\(send(.ready)); echo '[1.0] Kernel panic - not syncing: odd' >&$serial; exit 1"
    let (error, starts) = try await outcome(of: script, after: nil)
    #expect(error as? MachineError == .panic(reason: "Kernel panic - not syncing: odd", isAtWork: false))
    #expect(starts == 3)
  }

  @Test func `a machine that is ready waits for its job as long as that takes`() async throws {
    var limits = MachineLimits()
    limits.silence = 2
    let job = GuestJob(command: [Array("/bin/true".utf8)])
    let script = """
      \(send(.ready))
      head -c \(job.message.count) <&$control >/dev/null
      \(send(.started, success, .output(members: 0, byteCount: 0), .done))
      """
    let (error, starts) = try await outcome(of: script, limits: limits, job: job, after: .seconds(5))
    #expect(error == nil)
    #expect(starts == 1)
  }

  @Test func `a job that no socket has room for is told in pieces`() async throws {
    var job = GuestJob(command: [])
    job.environment = [[UInt8](repeating: 0x2C, count: 5 << 20)]
    let script = """
      \(send(.ready))
      sleep 1
      head -c \(job.message.count) <&$control | tail -c 1 | grep -qx , || exit 9
      \(send(.started, success, .output(members: 0, byteCount: 0), .done))
      """
    #expect(try await outcome(of: script, job: job).error == nil)
  }

  @Test func `what QEMU complains about is told`() async throws {
    let error = try await outcome(of: "echo 'no such machine' >&2; exit 3").error as? MachineError
    #expect(error == .emulator(status: 3, message: "no such machine"))
  }

  @Test func `a signal that ends QEMU is told`() async throws {
    #expect(try await outcome(of: "kill -KILL $$").error as? MachineError == .killed(signal: 9))
  }

  @Test func `a QEMU that does not end when it is asked to is made to`() async throws {
    var limits = MachineLimits()
    limits.silence = 1
    let error =
      try await outcome(
        of: "trap '' TERM; \(send(.ready)); while :; do read -t 1 -u $control; done", limits: limits
      ).error as? MachineError
    #expect(error == .silent(seconds: 1, serial: ""))
  }

  @Test func `a machine that is started has none of this process's descriptors`() async throws {
    // The null device, two for messages, the kernel, the initial RAM disk, the disks and four ports; one is of the listing.
    let error = try await outcome(of: "echo /proc/$$/fd/* >&2; exit 3").error as? MachineError
    guard case .emulator(3, let message)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let numbers = message.split(separator: " ").compactMap {
      $0.split(separator: "/").last.flatMap { Int($0) }
    }
    #expect(Set(numbers).subtracting([255]) == Set(0...12))
  }
}
