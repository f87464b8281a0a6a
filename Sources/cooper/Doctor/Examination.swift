import Confinement
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
    // Asked as builds ask, so that the answer is true; what comes of KVM is remembered, and told below.
    let chosen = try? await ScriptSettings().executor(.auto, asRoot: true)
    let machine = await MachineFindings(environment, kvm: kvm)
    let scripts = [
      ToolFindings.program("bash", package: "bash", environment, cost: "no script of a spec can be run")
    ]
    let nix = await ToolFindings.nix(environment, storeRoot: storeRoot)
    let logins = ToolFindings.logins(LoginFiles(authfile: nil, environment: environment))
    return Examination(
      findings: machine.findings + NamespaceFindings(environment).findings + scripts + [nix, logins],
      verdict: verdict(chosen, machine, scripts))
  }

  private static func verdict(
    _ chosen: (any RootExecutor)?, _ machine: MachineFindings, _ scripts: [Finding]
  ) -> Verdict {
    let missing = scripts.filter { $0.state == .missing }.map(\.name)
    if missing.contains("bash") { return Verdict(executor: nil, reason: "there is no bash") }
    let emulation = machine.canEmulate ? "; “tcg” would do, slower, in a machine of its own" : ""
    switch chosen {
    case is MachineExecutor:
      return Verdict(executor: "kvm", reason: "in a virtual machine, which reaches nothing of this one")
    case is NamespaceExecutor:
      return Verdict(
        executor: "namespace", reason: "this is root, which may make namespaces\(emulation)")
    case is PretendingExecutor where Launch.isAllowed(mappingUser: true):
      return Verdict(
        executor: "namespace",
        reason: "this is not root, so a supervisor records what only root could do\(emulation)")
    default:
      return Verdict(
        executor: nil,
        reason: "this is no root that may make namespaces, and other users may not either\(emulation)")
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
