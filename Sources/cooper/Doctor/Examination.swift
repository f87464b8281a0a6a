import Confinement
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
  ///   - kernel: the kernel that the user names for the virtual machine.
  ///   - storeRoot: what is put before `/nix/store`.
  ///   - kvm: gives the state of KVM; blocks for a moment.
  static func run(
    _ environment: ProcessEnvironment, kernel: FilePath?, storeRoot: String, kvm: KVMState
  ) async -> Examination {
    let machine = await MachineFindings(environment, named: kernel, kvm: kvm)
    let scripts = [
      ToolFindings.program("bash", package: "bash", environment, cost: "no script of a spec can be run")
    ]
    let nix = await ToolFindings.nix(environment, storeRoot: storeRoot)
    let logins = ToolFindings.logins(LoginFiles(authfile: nil, environment: environment))
    return Examination(
      findings: machine.findings + NamespaceFindings(environment).findings + scripts + [nix, logins],
      verdict: verdict(scripts))
  }

  private static func verdict(_ scripts: [Finding]) -> Verdict {
    let missing = scripts.filter { $0.state == .missing }.map(\.name)
    if missing.contains("bash") { return Verdict(executor: nil, reason: "there is no bash") }
    if NamespaceExecutor.isAllowed {
      return Verdict(executor: "namespace", reason: "this is root, which may make namespaces")
    }
    guard Launch.isAllowed(mappingUser: true) else {
      return Verdict(executor: nil, reason: "this is not root, and the kernel refuses namespaces to it")
    }
    return Verdict(
      executor: "namespace",
      reason: "this is not root, so a supervisor records what only root could do")
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
