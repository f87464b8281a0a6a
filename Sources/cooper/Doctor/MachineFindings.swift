import ArchiveIO
import SystemPackage
import VirtualMachine

/// What this machine has for the virtual machine.
struct MachineFindings: Sendable {
  let kvm: KVMState
  /// Whether there is all that a virtual machine needs when it is emulated.
  let canEmulate: Bool
  let findings: [Finding]

  private static let noMachine = "there is no virtual machine, so no executor “kvm” or “tcg”"

  /// Looks and tries.
  ///
  /// - Parameter kvm: What a probe said.
  init(_ environment: ProcessEnvironment, kvm: KVMState) async {
    // That a probe succeeds is less than that a machine has started, or not, since this one was.
    let verdict = HostedMachine.verdict(environment)
    let known = kvm == .usable ? verdict?.state : nil
    self.kvm = known ?? kvm
    let found = await Self.findQEMU(environment)
    let qemu = Self.finding(found)
    let kernel = Self.kernel(environment, qemu: try? found.get(), kvm: self.kvm)
    let guest = Self.guest(environment)
    findings = [
      Self.finding(self.kvm, rememberedIn: known == nil ? nil : verdict?.file), qemu, kernel, guest,
    ]
    canEmulate = [qemu, kernel, guest].allSatisfy { $0.state == .good }
  }

  private static func finding(_ kvm: KVMState, rememberedIn file: FilePath?) -> Finding {
    let advice = file.map { "; remembered until this machine is started anew, or \($0) is removed" } ?? ""
    let cost = "scripts in the virtual machine are emulated, 20 to 60 times slower\(advice)"
    switch kvm {
    case .usable: return Finding(good: "KVM", "works")
    case .absent(let reason): return Finding(.missing, "KVM", reason, cost: cost)
    case .notPermitted(let reason): return Finding(.missing, "KVM", "not permitted (\(reason))", cost: cost)
    case .dead(let reason): return Finding(.missing, "KVM", "present, but dead (\(reason))", cost: cost)
    }
  }

  private static func findQEMU(_ environment: ProcessEnvironment) async -> Result<QEMU, any Error> {
    do { return .success(try await QEMU.find(in: environment["PATH"] ?? "")) } catch {
      return .failure(error)
    }
  }

  private static func finding(_ found: Result<QEMU, any Error>) -> Finding {
    switch found {
    case .failure(let error): return Finding(.missing, "QEMU", "\(error)", cost: noMachine)
    case .success(let qemu):
      let isOld = ReleaseVersion(parsing: qemu.version).map { $0 < .firstSafeQEMU } ?? false
      let limit = isOld ? ", which emulates kernels up to \(ReleaseVersion.lastSafeKernel) only" : ""
      return Finding(good: "QEMU", "\(qemu.version), \(qemu.path)\(limit)")
    }
  }

  private static func kernel(
    _ environment: ProcessEnvironment, qemu: QEMU?, kvm: KVMState
  ) -> Finding {
    let files: KernelFiles
    do { files = try HostedMachine.kernel(environment) } catch {
      return Finding(.missing, "kernel", "\(error)", cost: noMachine)
    }
    let fact = "\(files.release), \(files.image), \(files.modules.count) modules"
    guard let qemu, let own = ReleaseVersion(parsing: qemu.version), let version = files.version,
      kvm != .usable, !own.emulatesReliably(kernel: version)
    else { return Finding(good: "kernel", fact) }
    let cost =
      "QEMU before \(ReleaseVersion.firstSafeQEMU) emulates kernels after \(ReleaseVersion.lastSafeKernel) unreliably; take another one by tools/vm-kernel, or a newer QEMU"
    return Finding(.limited, "kernel", fact, cost: cost)
  }

  private static func guest(_ environment: ProcessEnvironment) -> Finding {
    do {
      let path = try HostedMachine.guest(environment)
      return Finding(good: "guest program", path.string)
    } catch {
      return Finding(.missing, "guest program", "\(error)", cost: noMachine)
    }
  }
}
