import SystemPackage
import TestSupport
import Testing
import VirtualMachine

@testable import cooper

/// QEMU, kernel and KVM of machines that are made up.
@Suite struct MachineFindingsTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func findings(
    qemu: String?, kernel: String?, kvm: KVMState = .dead("it does not move")
  ) async throws -> MachineFindings {
    if let qemu {
      try await directory.writeProgram("#!/bin/sh\necho '\(qemu)'\n", to: "bin/qemu-system-x86_64")
    }
    let tree = try KernelTree()
    if let kernel { try tree.add(kernel, modules: cloudModules) }
    let environment = ProcessEnvironment(
      variables: ["PATH": directory.appending("bin"), "COOPER_KERNEL": tree.directory.path],
      home: directory.appending("home"),
      userID: 1000)
    return await MachineFindings(environment, kvm: kvm)
  }

  @Test(arguments: [
    ("7.2.22 (Debian)", "6.1.0-9-cloud-amd64", Finding.State.good),
    ("7.2.22 (Debian)", "6.12.1-cloud-amd64", .limited),
    ("8.0.0", "6.2.0", .limited), ("8.1.0", "6.12.1", .good), ("10.0.2", "7.1.0", .good),
  ])
  func `an old QEMU needs an old kernel`(qemu: String, kernel: String, state: Finding.State) async throws {
    let found = try await findings(qemu: "QEMU emulator version \(qemu)\nCopyright", kernel: kernel)
    #expect(found.findings.map(\.name) == ["KVM", "QEMU", "kernel", "guest program"])
    let version = qemu.prefix { $0 != " " }
    #expect(found.findings[1].fact.hasPrefix("\(version), \(directory.path)/bin/qemu-system-x86_64"))
    #expect(found.findings[2].state == state)
    #expect(found.findings[2].fact.hasPrefix("\(kernel), "))
    #expect(found.canEmulate == (state == .good && found.findings[3].state == .good))
    if state == .limited { #expect(found.findings[2].cost?.contains("tools/vm-kernel") == true) }
  }

  @Test func `with KVM every kernel will do`() async throws {
    let found = try await findings(qemu: "QEMU emulator version 7.2.0", kernel: "6.12.1", kvm: .usable)
    #expect(found.findings[..<3].allSatisfy { $0.state == .good && $0.cost == nil })
  }

  @Test func `what is missing is named with its cost`() async throws {
    let found = try await findings(
      qemu: nil, kernel: nil, kvm: .absent("/dev/kvm: No such file or directory"))
    #expect(found.findings[..<3].allSatisfy { $0.state == .missing && $0.cost != nil })
    #expect(!found.canEmulate)
  }

  @Test func `what was learned of KVM since the start counts more than a probe`() async throws {
    let cache = FilePath(directory.appending("home/.cache/cooper"))
    try #require(KVMVerdict(cache: cache, kernel: nil)).remember(.dead("no machine has started"))
    let found = try await findings(qemu: nil, kernel: nil, kvm: .usable)
    #expect(found.kvm == .dead("no machine has started"))
    #expect(found.findings[0].state == .missing)
  }

  @Test func `a QEMU that does not tell its version is none`() async throws {
    let found = try await findings(qemu: "hello", kernel: "6.1.0")
    #expect(found.findings[1].state == .missing)
    #expect(!found.canEmulate)
  }
}
