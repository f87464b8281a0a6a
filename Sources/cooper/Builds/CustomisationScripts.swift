import ArchiveIO
import Glibc
import ImageBuild
import Subprocess
import SystemPackage

/// Runs a spec's `extraCommands` and `fakeRootCommands` in the tree of the customisation layer (nix-dockertools.md, section 2.6).
struct CustomisationScripts {
  let spec: LayeredSpec

  /// Whether there is anything to run.
  var isEmpty: Bool { spec.extraCommands.isEmpty && spec.fakeRootCommands.isEmpty }

  /// Makes the tree in a scratch directory, runs the commands there, and gives the layer of what they left.
  func run(in tree: FileTree, rules: PermissionRules) async throws -> ScratchLayer {
    guard !spec.enableFakechroot else {
      throw UsageError(
        "“enableFakechroot” is not there yet; without it “fakeRootCommands” run with the image's root as working directory"
      )
    }
    let scratch = try ScratchTree(tree, in: ProcessEnvironment.current.temporaryDirectory)
    Interruption.removeAtEnd(scratch.directory)
    let shell = try Self.program("bash", package: "bash")
    if !spec.extraCommands.isEmpty {
      try await run([shell, "-e", "-c", Self.script(spec.extraCommands)], "extraCommands", in: scratch)
    }
    var ownership = Ownership()
    if !spec.fakeRootCommands.isEmpty {
      let fakeroot = try Self.program("fakeroot", package: "fakeroot")
      let state = scratch.directory.appending("owners")
      try await run(
        [fakeroot, "-s", state.string, "--", shell, "-e", "-c", Self.script(spec.fakeRootCommands)],
        "fakeRootCommands", in: scratch)
      let text = String(decoding: try UserFile.contents(of: state.string), as: UTF8.self)
      guard let found = Ownership(parsingFakerootState: text) else {
        throw ScriptFailure(name: "fakeRootCommands", reason: "\(state) is not what fakeroot writes")
      }
      ownership = found
    }
    return ScratchLayer(scratch, ownership: ownership, rules: rules)
  }

  /// The commands with the same creation mask for everybody.
  private static func script(_ commands: String) -> String { "umask 022\n" + commands }

  private static func program(_ name: String, package: String) throws -> String {
    let directories = (ProcessEnvironment.current["PATH"] ?? "").split(separator: ":")
    let candidates = directories.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
    guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else {
      throw UsageError(
        "the spec has commands to run, and there is no \(name) in PATH; install Debian's \(package)")
    }
    return path
  }

  /// Runs a program with the image's root as its directory; what it prints goes to standard error, since standard output may be the image.
  private func run(_ command: [String], _ name: String, in scratch: ScratchTree) async throws {
    // Nothing of the user's surroundings gets into the image.
    let variables: [Environment.Key: String] = [
      "PATH": ProcessEnvironment.current["PATH"] ?? "/usr/bin:/bin", "HOME": "/homeless-shelter",
      "TMPDIR": scratch.directory.appending("tmp").string, "LC_ALL": "C", "TZ": "UTC",
      "SOURCE_DATE_EPOCH": String(TreeLayer.packingTime),
    ]
    let result = try await Subprocess.run(
      .path(FilePath(command[0])), arguments: Arguments(Array(command.dropFirst())),
      environment: .custom(variables), workingDirectory: scratch.root,
      output: .fileDescriptor(.standardError, closeAfterSpawningProcess: false),
      error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
    guard result.terminationStatus.isSuccess else {
      throw ScriptFailure(name: name, reason: "the commands ended with \(result.terminationStatus)")
    }
  }
}

/// The commands of a spec failed.
struct ScriptFailure: Error, CustomStringConvertible {
  var name: String
  var reason: String
  var description: String { "“\(name)”: \(reason); what they printed is above" }
}
