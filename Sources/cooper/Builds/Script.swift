import ArchiveIO
import Glibc
import ImageBuild
import Subprocess
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

  /// The environment: nothing of the user's surroundings gets into the image.
  var variables: [String: String] {
    [
      "PATH": path, "HOME": "/homeless-shelter",
      "TMPDIR": temporary.string, "LC_ALL": "C", "TZ": "UTC",
      "SOURCE_DATE_EPOCH": String(TreePacking.time),
    ]
  }

  /// Runs the program that `command` makes of the script, with the image's root as its directory.
  ///
  /// What it prints goes to standard error, since standard output may be the image.
  func run(_ command: (Script) throws -> [String]) async throws {
    let command = try command(self)
    var environment: [Environment.Key: String] = [
      // Where a user namespace has one user, as in Nix's sandbox, fakeroot's own attempt fails as it does not expect.
      "FAKEROOTDONTTRYCHOWN": "1"
    ]
    for (name, value) in variables { environment[Environment.Key(stringLiteral: name)] = value }
    var options = Subprocess.PlatformOptions()
    options.processGroupID = 0
    let result = try await Subprocess.run(
      .path(FilePath(command[0])), arguments: Arguments(Array(command.dropFirst())),
      environment: .custom(environment), workingDirectory: scratch.root, platformOptions: options,
      input: .none,
      output: .fileDescriptor(.standardError, closeAfterSpawningProcess: false),
      error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
    ) { execution in
      Interruption.end(group: execution.processIdentifier.value)
    }
    await Interruption.hasEnded(group: result.processIdentifier.value)
    guard result.terminationStatus.isSuccess else {
      let end =
        switch result.terminationStatus {
        case .exited(let status): "status \(status)"
        case .signaled(let signal): "signal \(signal)"
        }
      let path = scratch.work.appending("\(name).failed").string
      throw failure("the commands ended with \(end)", report: (try? UserFile.read(path)) ?? [])
    }
  }

  /// A failure of the commands for this reason; `report` is what bash wrote of the command that failed.
  func failure(_ reason: String, report: [UInt8]) -> ScriptFailure {
    ScriptFailure(name: name, reason: Self.place(report) + reason)
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
  var description: String { "“\(name)”: \(reason); what they printed is above" }
}
