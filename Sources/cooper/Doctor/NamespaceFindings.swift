import Confinement
import Glibc
import ImageBuild
import SystemPackage

/// What this machine lets its user do without a virtual machine.
struct NamespaceFindings: Sendable {
  let findings: [Finding]

  /// Looks and tries.
  init(_ environment: ProcessEnvironment) {
    findings = [
      Self.userNamespaces(SystemProbe.userNamespace()), Self.idRanges(environment),
      Self.tracing(SystemProbe.tracing()), Self.overlay(environment),
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
      cost: "what scripts do to owners and devices cannot be answered for them where the system refuses it")
  }

  /// Tries it where trees for scripts are made: it also depends on the file system there.
  private static func overlay(_ environment: ProcessEnvironment) -> Finding {
    let name = "overlay"
    let reason: String
    do {
      let scratch = try ScratchTree(FileTree(), in: environment.temporaryDirectory)
      let code = withExtendedLifetime(scratch) { SystemProbe.overlay(in: scratch.root.string) }
      guard let code else { return Finding(good: name, "can be mounted in a user namespace") }
      reason = Self.reason(code)
    } catch {
      reason = "\(error)"
    }
    return Finding(
      .limited, name, "not in a user namespace (\(reason))",
      cost: "an image that scripts run in is copied and not laid over")
  }

  private static func reason(_ code: Int32) -> String { "\(Errno(rawValue: code))" }

  // MARK: Ranges of numbers

  private static func idRanges(_ environment: ProcessEnvironment) -> Finding {
    let name = "id ranges"
    if environment.userID == 0 { return Finding(good: name, "not needed: this is root") }
    let cost = "scripts get no users and groups of their own, and what they do to owners is only recorded"
    let tools = ["newuidmap", "newgidmap"].filter { environment.program($0) == nil }
    guard tools.isEmpty else {
      let missing = tools.joined(separator: " and ")
      return Finding(.limited, name, "no \(missing) in PATH", cost: "\(cost); install Debian's uidmap")
    }
    let files = ["subuid", "subgid"].map { "\(environment.systemDirectory)/\($0)" }
    let counts = files.map { largestRange(in: $0, user: environment.userID) }
    guard let least = counts.min(), least >= 65_536 else {
      let facts = zip(files, counts).map { "\($1) in \($0)" }.joined(separator: ", ")
      return Finding(
        .limited, name, facts, cost: "\(cost); 65536 are needed (usermod --add-subuids, --add-subgids)")
    }
    return Finding(good: name, "\(least) numbers")
  }

  /// The size of the largest range that a file like `/etc/subuid` gives a user, by name or number (subuid(5)).
  static func largestRange(in file: String, user: UInt32) -> Int {
    let name = getpwuid(user).flatMap { $0.pointee.pw_name }.map { String(cString: $0) }
    let owners = ["\(user)", name]
    let lines = String(decoding: (try? UserFile.read(file)) ?? [], as: UTF8.self).split(separator: "\n")
    let counts = lines.compactMap { line -> Int? in
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count == 3, owners.contains(String(fields[0])) else { return nil }
      return Int(fields[2])
    }
    return counts.max() ?? 0
  }
}
