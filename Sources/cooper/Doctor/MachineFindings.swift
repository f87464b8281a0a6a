import ArchiveIO
import SystemPackage
import VirtualMachine

/// What this machine has for the virtual machine.
struct MachineFindings: Sendable {
  let kvm: KVMState
  /// Whether there are a QEMU and a kernel that go together.
  let canEmulate: Bool
  let findings: [Finding]

  private static let noMachine = "there is no virtual machine, so no executor “kvm” or “tcg”"

  /// Looks and tries.
  init(_ environment: ProcessEnvironment, named: FilePath?, kvm: KVMState) async {
    self.kvm = kvm
    let program = environment.program(QEMUProgram.name).map { QEMUProgram($0) }
    let release = try? await program?.release()
    let version = release.flatMap { ReleaseVersion(parsing: $0) }
    let qemu = Self.qemu(program, release, version)
    let (kernel, files) = Self.kernel(named: named, environment, qemu: version, kvm: kvm)
    canEmulate = qemu.state == .good && kernel.state == .good && files != nil
    findings = [Self.finding(kvm), qemu, kernel]
  }

  private static func finding(_ kvm: KVMState) -> Finding {
    let cost = "scripts in the virtual machine are emulated, 20 to 60 times slower"
    switch kvm {
    case .usable: return Finding(good: "KVM", "works")
    case .absent(let reason): return Finding(.missing, "KVM", reason, cost: cost)
    case .notPermitted(let reason): return Finding(.missing, "KVM", "not permitted (\(reason))", cost: cost)
    case .dead(let reason): return Finding(.missing, "KVM", "present, but dead (\(reason))", cost: cost)
    }
  }

  private static func qemu(
    _ program: QEMUProgram?, _ release: String?, _ version: ReleaseVersion?
  ) -> Finding {
    guard let program else {
      return Finding(
        .missing, "QEMU", "no \(QEMUProgram.name) in PATH",
        cost: "\(noMachine); install Debian's qemu-system-x86")
    }
    guard let release, let version else {
      return Finding(.missing, "QEMU", "\(program.path) does not tell its version", cost: noMachine)
    }
    let limit =
      version < .firstSafeQEMU ? ", which emulates kernels up to \(ReleaseVersion.lastSafeKernel) only" : ""
    return Finding(good: "QEMU", "\(release), \(program.path)\(limit)")
  }

  private static func kernel(
    named: FilePath?, _ environment: ProcessEnvironment, qemu: ReleaseVersion?, kvm: KVMState
  ) -> (Finding, KernelFiles?) {
    let files: KernelFiles
    do { files = try KernelFiles(named: named, cache: environment.cacheDirectory) } catch {
      return (Finding(.missing, "kernel", "\(error)", cost: noMachine), nil)
    }
    let fact = "\(files.release), \(files.image), \(files.modules.count) modules"
    if let qemu, let version = files.version, !qemu.emulatesReliably(kernel: version), kvm != .usable {
      let cost =
        "QEMU before \(ReleaseVersion.firstSafeQEMU) emulates kernels after \(ReleaseVersion.lastSafeKernel) unreliably; take another one by tools/vm-kernel, or a newer QEMU"
      return (Finding(.limited, "kernel", fact, cost: cost), files)
    }
    return (Finding(good: "kernel", fact), files)
  }
}
