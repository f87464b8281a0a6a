import Confinement
import SystemPackage

/// What this machine lets its user do without a virtual machine.
struct NamespaceFindings: Sendable {
  let findings: [Finding]

  /// Looks and tries.
  init() {
    findings = [
      Self.userNamespaces(Launch.refusal(mappingUser: true)), Self.tracing(SystemProbe.tracing()),
    ]
  }

  private static func userNamespaces(_ code: Int32?) -> Finding {
    guard let code else { return Finding(good: "user namespaces", "can be made") }
    return Finding(
      .missing, "user namespaces", "refused (\(reason(code)))",
      cost: "who is not root cannot give scripts a root directory and processes of their own")
  }

  private static func tracing(_ code: Int32?) -> Finding {
    guard let code else { return Finding(good: "ptrace", "works") }
    return Finding(
      .missing, "ptrace", "refused (\(reason(code)))",
      cost: "who is not root cannot run scripts that are to believe it")
  }

  private static func reason(_ code: Int32) -> String { "\(Errno(rawValue: code))" }
}
