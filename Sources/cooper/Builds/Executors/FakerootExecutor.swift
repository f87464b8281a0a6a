import ArchiveIO
import Confinement
import ImageBuild
import SystemPackage

/// Somebody who believes to be root through `fakeroot`, which keeps what programs pretend about files, and `proot`, which gives a tree as `/`.
struct FakerootExecutor: RootExecutor {
  /// A line for each file that fakeroot has heard of.
  private static let stateLimit = 1 << 30

  /// What it runs scripts by, besides bash: names of programs and of Debian's packages.
  static let programs = ["fakeroot", "proot"]

  var needsRealFiles: Bool { false }

  func run(_ task: RootTask) async throws -> Ownership {
    let shell = try ScriptProgram("bash", package: "bash").path
    let state = task.scratch.directory.appending("owners")
    try OpenDirectory(task.scratch.directory).createFile(
      Array("owners".utf8), Array(task.ownership.fakerootState.utf8), mode: 0o600)
    // What programs pretend is told without waiting for an answer. fakeroot asks something by /bin/ls in the end, so that nothing told is lost; there
    // is none in Nix's sandbox.
    let asking = [shell, "-c", "\"$@\"; status=$?; [[ -e / ]]; exit $status", "bash"]
    let fakeroot = try ScriptProgram("fakeroot", package: "fakeroot").path
    let prefix = [fakeroot, "-i", state.string, "-s", state.string, "--"] + asking
    if let root = task.root {
      let proot = try ScriptProgram("proot", package: "proot").path
      try await root.withMountPoints {
        try await task.script.run {
          try prefix
            + root.command($0, shell: shell, hasOwnProcesses: false) { root, binds in
              try RunConfined.prefix() + [proot, "-v", "-1", "-r", root, "-w", "/"]
                + binds.flatMap { ["-b", "\($0.source):\($0.target)!"] }
            }
        }
      }
    } else {
      try await task.script.run { prefix + [shell] + $0.shellArguments }
    }
    let text = try String(
      decoding: FileRange(whole: DirectFile(reading: state)).readAll(limit: Self.stateLimit), as: UTF8.self)
    guard let found = Ownership(parsingFakerootState: text) else {
      throw ScriptFailure(name: "fakeroot", reason: "\(state) is not what fakeroot writes")
    }
    return found
  }
}
