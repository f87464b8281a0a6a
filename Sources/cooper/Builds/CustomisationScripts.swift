import ArchiveIO
import Glibc
import ImageBuild
import SystemPackage

/// Runs a spec's `extraCommands` and `fakeRootCommands` in the tree of the customisation layer (nix-dockertools.md, sections 2.6 and 2.7).
struct CustomisationScripts {
  private let extraCommands: String
  private let fakeRootCommands: String
  private let enableFakechroot: Bool
  private let storeDirectory: String
  /// What is put before store paths to find them on this machine.
  private let storeRoot: String

  /// Those of a layered image.
  init(_ spec: LayeredSpec, storeDirectory: String, storeRoot: String) {
    extraCommands = spec.extraCommands
    (fakeRootCommands, enableFakechroot) = (spec.fakeRootCommands, spec.enableFakechroot)
    (self.storeDirectory, self.storeRoot) = (storeDirectory, storeRoot)
  }

  /// Those of an image with one layer.
  init(_ spec: ImageSpec, storeDirectory: String, storeRoot: String) {
    extraCommands = spec.extraCommands
    (fakeRootCommands, enableFakechroot) = ("", false)
    (self.storeDirectory, self.storeRoot) = (storeDirectory, storeRoot)
  }

  /// Whether there is anything to run.
  var isEmpty: Bool { extraCommands.isEmpty && fakeRootCommands.isEmpty }

  /// Makes the tree in a scratch directory, runs the commands there, and gives the layer of what they left.
  func run(
    in tree: FileTree, packing: TreePacking = .customisation, rules: PermissionRules
  ) async throws -> (tree: ScratchTree, layer: ScratchLayer) {
    let scratch = try ScratchTree(tree, in: ProcessEnvironment.current.temporaryDirectory)
    Interruption.removeAtEnd(scratch.directory)
    let shell = try ScriptProgram("bash", package: "bash").path
    if !extraCommands.isEmpty {
      try await ScriptUser(realIn: scratch, shell: shell).run("extraCommands", extraCommands)
    }
    var ownership = Ownership()
    var excluded: [String] = []
    if !fakeRootCommands.isEmpty {
      let fakeRoot = try ScriptUser(fakedIn: scratch, shell: shell)
      if enableFakechroot {
        let root = try ImageRoot(
          scratch, storeDirectory: storeDirectory, storeRoot: storeRoot, by: .proot)
        try await fakeRoot.run("fakeRootCommands", fakeRootCommands, inside: root)
        excluded = root.excludedPaths
      } else {
        try await fakeRoot.run("fakeRootCommands", fakeRootCommands)
      }
      ownership = try fakeRoot.ownership()
    }
    let layer = ScratchLayer(
      scratch, ownership: ownership, packing: packing, rules: rules, excluding: excluded)
    return (scratch, layer)
  }

  /// Runs `runAsRoot` and then `extraCommands` in an unpacked image, and gives the layer of what they changed.
  ///
  /// The first sees the image as `/`, the others in their working directory.
  func run(
    asRoot commands: String, in image: UnpackedImage, at scratch: ScratchTree, searching path: String,
    rules: PermissionRules
  ) async throws -> ChangedLayer {
    let shell = try ScriptProgram("bash", package: "bash").path
    let isReal = image.ownership.trustsDisk
    let user =
      isReal
      ? ScriptUser(realIn: scratch, shell: shell)
      : try ScriptUser(fakedIn: scratch, shell: shell, beginningWith: image.ownership)
    let top = try OpenDirectory(scratch.root)
    // nixpkgs makes it, too, and leaves it there.
    _ = try? top.createDirectory(Array("tmp".utf8), mode: 0o755)
    let root = try ImageRoot(
      scratch, storeDirectory: storeDirectory, storeRoot: storeRoot,
      by: isReal ? .namespaces : .proot)
    try await user.run("runAsRoot", commands, inside: root, searching: path)
    if !extraCommands.isEmpty { try await user.run("extraCommands", extraCommands) }
    let ownership = try user.ownership()
    return try await Thread.run {
      try ChangedLayer(
        scratch, of: image, ownership: ownership, rules: rules, excluding: root.excludedPaths)
    }
  }
}

/// Who scripts run as: root, or somebody who believes to be root through `fakeroot`, which keeps what programs pretend about files.
private struct ScriptUser {
  /// A line for each file that fakeroot has heard of.
  private static let stateLimit = 1 << 30

  private let scratch: ScratchTree
  private let shell: String
  /// What programs are started by.
  private let prefix: [String]
  /// What fakeroot keeps; nil for real root.
  private let state: FilePath?

  /// Programs in `scratch` that are what they are.
  init(realIn scratch: ScratchTree, shell: String) {
    (self.scratch, self.shell, prefix, state) = (scratch, shell, [], nil)
  }

  /// Programs in `scratch` under fakeroot, for whom files are at first as `ownership` says.
  init(fakedIn scratch: ScratchTree, shell: String, beginningWith ownership: Ownership? = nil) throws {
    let state = scratch.directory.appending("owners")
    var options = ["-s", state.string, "--"]
    if let ownership {
      try OpenDirectory(scratch.directory).createFile(
        Array("owners".utf8), Array(ownership.fakerootState.utf8), mode: 0o600)
      options = ["-i", state.string] + options
    }
    // What programs pretend is told without waiting for an answer. fakeroot asks something by /bin/ls in the end, so that nothing told is lost; there
    // is none in Nix's sandbox.
    let asking = [shell, "-c", "\"$@\"; status=$?; [[ -e / ]]; exit $status", "bash"]
    prefix = try [ScriptProgram("fakeroot", package: "fakeroot").path] + options + asking
    (self.scratch, self.shell, self.state) = (scratch, shell, state)
  }

  /// Runs commands in the tree.
  func run(_ name: String, _ commands: String) async throws {
    try await Script(name, commands, in: scratch).run { prefix + [shell] + $0.shellArguments }
  }

  /// Runs commands that see the tree as `/`.
  func run(_ name: String, _ commands: String, inside root: ImageRoot, searching path: String? = nil)
    async throws
  {
    defer { root.removeMountPoints() }
    var script = try Script(name, commands, in: scratch)
    if let path { script.path = path }
    try await script.run { try prefix + root.command($0, shell: shell) }
  }

  /// Whose files are now.
  func ownership() throws -> Ownership {
    guard let state else { return .real }
    let file = try FileRange(whole: DirectFile(reading: state))
    let text = try String(decoding: file.readAll(limit: Self.stateLimit), as: UTF8.self)
    guard let found = Ownership(parsingFakerootState: text) else {
      throw ScriptFailure(name: "fakeroot", reason: "\(state) is not what fakeroot writes")
    }
    return found
  }
}

/// A program that scripts need, found in `PATH`.
struct ScriptProgram {
  let path: String

  /// Finds the program; `package` is Debian's name of what holds it, for the message.
  init(_ name: String, package: String) throws {
    guard let path = ProcessEnvironment.current.program(name) else {
      throw UsageError(
        "the spec has commands to run, and there is no \(name) in PATH; install Debian's \(package)")
    }
    self.path = path.string
  }
}
