import ImageBuild
import OrderedJSON
import SystemPackage
import VirtualMachine

/// What this machine can do, and what each missing thing costs.
struct Examination: Sendable {
  let findings: [Finding]
  let verdict: Verdict

  /// What `auto` takes for scripts as root.
  struct Verdict: Sendable, Hashable {
    /// The name of the executor as specs and `--executor` have it; nil when there is none.
    var executor: String?
    /// Why, and what else is meant by the name.
    var reason: String
  }

  /// Examines this machine.
  ///
  /// - Parameters:
  ///   - storeRoot: what is put before `/nix/store`.
  ///   - kvm: what a probe says of KVM.
  static func run(
    _ environment: ProcessEnvironment, storeRoot: String, kvm: KVMState
  ) async -> Examination {
    // Asked as builds ask, so that the answer is true.
    let chosen = try? await ScriptSettings(remembersKVM: false).executor(.auto, asRoot: true)
    let machine = await MachineFindings(environment, kvm: kvm)
    let namespaces = NamespaceFindings()
    let bash = ToolFindings.program(
      "bash", package: "bash", environment, cost: "no script of a spec can be run")
    let nix = await ToolFindings.nix(environment, storeRoot: storeRoot)
    let logins = ToolFindings.logins(LoginFiles(authfile: nil, environment: environment))
    return Examination(
      findings: machine.findings + namespaces.findings + [bash, nix, logins],
      verdict: verdict(chosen, machine, namespaces, bash))
  }

  private static func verdict(
    _ chosen: (any RootExecutor)?, _ machine: MachineFindings, _ namespaces: NamespaceFindings,
    _ bash: Finding
  ) -> Verdict {
    let missing = namespaces.findings.filter { $0.state == .missing }.map(\.name)
      .joined(separator: " and no ")
    if bash.state == .missing { return Verdict(executor: nil, reason: "there is no bash") }
    let emulation = machine.canEmulate ? "; “tcg” would do, slower, in a machine of its own" : ""
    switch chosen {
    case is MachineExecutor:
      return Verdict(executor: "kvm", reason: "in a virtual machine, which reaches nothing of this one")
    case is NamespaceExecutor:
      return Verdict(
        executor: "namespace", reason: "this is root, which may make namespaces\(emulation)")
    case is PretendingExecutor where !missing.isEmpty:
      return Verdict(
        executor: nil,
        reason: "this is no root that may make namespaces, and here are no \(missing)\(emulation)")
    default:
      return Verdict(
        executor: "namespace",
        reason:
          "this is no root that may make namespaces, so what scripts do to owners and devices is recorded\(emulation)"
      )
    }
  }

  // MARK: Output

  /// A line for each finding, and the verdict.
  var text: String {
    let width = findings.map(\.name.count).max() ?? 0
    return (findings.map { $0.text(width: width) } + ["", sentence]).joined(separator: "\n")
  }

  private var sentence: String {
    guard let executor = verdict.executor else {
      return "Scripts as root cannot be run here: \(verdict.reason)."
    }
    return "Scripts as root run by “\(executor)”: \(verdict.reason)."
  }

  /// The same for programs.
  var json: JSONObject {
    [
      "findings": .array(findings.map(\.json)),
      "runAsRoot": [
        "executor": verdict.executor.map { .string($0) } ?? .null, "reason": .string(verdict.reason),
      ],
    ]
  }
}
