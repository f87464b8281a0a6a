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

  /// A line for each file that fakeroot has heard of.
  private static let stateLimit = 1 << 30

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
      try await Script("extraCommands", extraCommands, in: scratch).run {
        [shell] + $0.shellArguments
      }
    }
    var ownership = Ownership()
    var excluded: [String] = []
    if !fakeRootCommands.isEmpty {
      let fakeroot = try ScriptProgram("fakeroot", package: "fakeroot").path
      let state = scratch.directory.appending("owners")
      let prefix = [fakeroot, "-s", state.string, "--"]
      let script = try Script("fakeRootCommands", fakeRootCommands, in: scratch)
      if enableFakechroot {
        let root = try ImageRoot(scratch, storeDirectory: storeDirectory, storeRoot: storeRoot)
        defer { root.removeMountPoints() }
        try await script.run { try prefix + root.command($0, shell: shell) }
        excluded = root.excludedPaths
      } else {
        try await script.run { prefix + [shell] + $0.shellArguments }
      }
      ownership = try Self.ownership(in: state)
    }
    let layer = ScratchLayer(
      scratch, ownership: ownership, packing: packing, rules: rules, excluding: excluded)
    return (scratch, layer)
  }

  private static func ownership(in state: FilePath) throws -> Ownership {
    let file = try FileRange(whole: DirectFile(reading: state))
    let text = try String(decoding: file.readAll(limit: stateLimit), as: UTF8.self)
    guard let found = Ownership(parsingFakerootState: text) else {
      throw ScriptFailure(name: "fakeRootCommands", reason: "\(state) is not what fakeroot writes")
    }
    return found
  }
}

/// A program that scripts need, found in `PATH`.
struct ScriptProgram {
  let path: String

  /// Finds the program; `package` is Debian's name of what holds it, for the message.
  init(_ name: String, package: String) throws {
    let directories = (ProcessEnvironment.current["PATH"] ?? "").split(separator: ":")
    let candidates = directories.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
    guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else {
      throw UsageError(
        "the spec has commands to run, and there is no \(name) in PATH; install Debian's \(package)")
    }
    self.path = path
  }
}
