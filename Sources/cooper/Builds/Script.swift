import ArchiveIO
import Confinement
import Glibc
import ImageBuild
import PretendedRoot
import Synchronization
import SystemPackage

/// Commands of a spec, in a file beside the tree that they change.
struct Script {
  /// The spec's key, for messages.
  let name: String
  private let scratch: ScratchTree
  /// Where the commands are, and where bash writes which of them failed.
  var commands: FilePath
  var report: FilePath
  /// The directory for temporary files.
  var temporary: FilePath
  /// Where programs are searched.
  var path = ProcessEnvironment.current["PATH"] ?? "/usr/bin:/bin"
  /// What bash does before the commands.
  var prologue = ""

  /// Puts the commands where bash finds them; only a file holds any number of them.
  init(_ name: String, _ commands: String, in scratch: ScratchTree) throws {
    self.name = name
    self.scratch = scratch
    self.commands = scratch.work.appending(name)
    report = scratch.work.appending("\(name).failed")
    temporary = scratch.work.appending("tmp")
    try OpenDirectory(scratch.work).createFile(Array(name.utf8), Array(commands.utf8), mode: 0o644)
  }

  /// What bash is called with: the same creation mask for everybody, and a note of the command that fails.
  var shellArguments: [String] {
    let text = """
      umask 022
      \(prologue)
      __cooper_commands=$1 __cooper_report=$2; shift 2
      trap 'printf "%s\\n%s" "$LINENO" "$BASH_COMMAND" 2>/dev/null >"$__cooper_report"' ERR
      set -E
      . "$__cooper_commands"
      """
    return ["-e", "-c", text, "bash", commands.string, report.string]
  }

  /// The variables that the commands find, as `NAME=value`: nothing of the user's surroundings gets into the image.
  var environment: [String] {
    [
      "PATH=\(path)", "HOME=/homeless-shelter", "TMPDIR=\(temporary.string)", "LC_ALL=C", "TZ=UTC",
      "SOURCE_DATE_EPOCH=\(TreePacking.time)",
    ]
  }

  /// The commands for a shell, and nothing yet of what they see.
  func launch(shell: String) -> Launch { Launch([shell] + shellArguments, environment: environment) }

  /// Starts a program, says which process group it has, and waits for its end on the same thread.
  typealias Runner = @Sendable (Launch, _ hasStarted: (Int32) -> Void) throws -> PretendedRoot.Outcome

  /// Runs the commands as the user, with the tree as their directory.
  func run(shell: String) async throws {
    var launch = launch(shell: shell)
    (launch.directory, launch.hasNamespaces) = (scratch.root.string, false)
    try await run(launch) { launch, hasStarted in
      let first = try launch.start()
      hasStarted(first.number)
      first.letGo()
      let status = first.wait()
      // What the commands have left in the background.
      kill(-first.number, SIGKILL)
      return .exited(status)
    }
  }

  /// Runs a launch of the commands, whose output is shown.
  func run(_ launch: Launch, _ runner: @escaping Runner) async throws {
    let output = try ScriptOutput()
    let group = Atomic<Int32>(0)
    async let passing: Void = output.pass()
    let result = await Result {
      try await Thread.run { [launch] in
        defer { output.end() }
        var launch = launch
        launch.output = output.descriptor
        return try runner(launch) {
          group.store($0, ordering: .sequentiallyConsistent)
          Interruption.end(group: $0)
        }
      }
    }
    try await passing
    await Interruption.hasEnded(group: group.load(ordering: .sequentiallyConsistent))
    let end: String
    switch try result.get() {
    case .exited(0): return
    case .exited(let status): end = "status \(status)"
    case .signaled(let signal): end = "signal \(signal)"
    }
    let report = try? UserFile.read(scratch.work.appending("\(name).failed").string)
    throw failure("the commands ended with \(end)", report: report ?? [], printed: output.shown)
  }

  /// A failure of the commands for this reason; `report` is what bash wrote of the command that failed.
  func failure(_ reason: String, report: [UInt8], printed: ShownOutput) -> ScriptFailure {
    ScriptFailure(name: name, reason: Self.place(report) + reason, lastLines: printed.lastLines)
  }

  /// The command that failed and its line, where bash could tell.
  private static func place(_ bytes: [UInt8]) -> String {
    let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n", maxSplits: 1)
    guard parts.count == 2 else { return "" }
    let command = parts[1].prefix(200).map { $0.isNewline ? " " : $0 }
    return "“\(String(command))” in line \(parts[0]) failed; "
  }
}

/// The commands of a spec failed.
struct ScriptFailure: Error, CustomStringConvertible {
  var name: String
  var reason: String
  /// The end of what they printed.
  var lastLines: [String] = []
  var description: String {
    let printed =
      lastLines.isEmpty
      ? "and printed nothing"
      : "their last lines were:\n" + lastLines.map { "  " + $0 }.joined(separator: "\n")
    return "“\(name)”: \(reason); \(printed)"
  }
}

extension Result where Failure == any Error {
  /// What a function that waits returns or throws.
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
