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

  private let spec: BuildSpec
  private let settings: ScriptSettings

  /// Those of a layered image.
  init(_ spec: LayeredSpec, storeDirectory: String, storeRoot: String, settings: ScriptSettings) {
    extraCommands = spec.extraCommands
    (fakeRootCommands, enableFakechroot) = (spec.fakeRootCommands, spec.enableFakechroot)
    (self.storeDirectory, self.storeRoot) = (storeDirectory, storeRoot)
    (self.spec, self.settings) = (spec.common, settings)
  }

  /// Those of an image with one layer.
  init(_ spec: ImageSpec, storeDirectory: String, storeRoot: String, settings: ScriptSettings) {
    extraCommands = spec.extraCommands
    (fakeRootCommands, enableFakechroot) = ("", false)
    (self.storeDirectory, self.storeRoot) = (storeDirectory, storeRoot)
    (self.spec, self.settings) = (spec.common, settings)
  }

  /// Whether there is anything to run.
  var isEmpty: Bool { extraCommands.isEmpty && fakeRootCommands.isEmpty }

  /// Makes the tree in a scratch directory, runs the commands there, and gives the layer of what they left.
  func run(
    in tree: FileTree, packing: TreePacking = .customisation, rules: PermissionRules
  ) async throws -> (layer: any TarRecipe, isDirectory: @Sendable ([UInt8]) -> Bool?) {
    let scratch = try ScratchTree(tree, in: ProcessEnvironment.current.temporaryDirectory)
    Interruption.removeAtEnd(scratch.directory)
    if !extraCommands.isEmpty {
      let shell = try ScriptProgram("bash", package: "bash").path
      try await Script("extraCommands", extraCommands, in: scratch).run(shell: shell)
    }
    var tree = ScriptTree.disk(DiskTree(scratch: scratch))
    var excluded: [String] = []
    if !fakeRootCommands.isEmpty {
      tree = .disk(DiskTree(scratch: scratch, ownership: try Ownership(of: scratch.root)))
      // Outside of the image real root could change this machine.
      let executor = try await settings.executor(for: spec, asRoot: false)
      let root =
        enableFakechroot
        ? try await ImageRoot(tree, scratch, storeDirectory: storeDirectory, storeRoot: storeRoot) : nil
      tree = try await executor.run(
        RootTask(
          script: Script("fakeRootCommands", fakeRootCommands, in: scratch), scratch: scratch, tree: tree,
          root: root))
      excluded = root?.excludedPaths ?? []
    }
    let layer = tree.layer(packing: packing, rules: rules, excluding: excluded)
    return (layer, tree.isDirectory)
  }

  /// Runs `runAsRoot` and then `extraCommands` in the file system of an image, and gives the layer of what they changed.
  ///
  /// Both see the image as `/`: outside of it, an absolute link of the base would lead to files of this machine.
  func run(
    asRoot commands: String, in image: ScriptTree, at scratch: ScratchTree, by executor: any RootExecutor,
    searching path: String, rules: PermissionRules
  ) async throws -> (layer: ChangedLayer, isDirectory: @Sendable ([UInt8]) -> Bool?) {
    var tree = image
    // nixpkgs makes it, too, and leaves it there.
    try tree.makeDirectory("tmp")
    let root = try await ImageRoot(tree, scratch, storeDirectory: storeDirectory, storeRoot: storeRoot)
    for (name, commands) in [("runAsRoot", commands), ("extraCommands", extraCommands)]
    where !commands.isEmpty {
      var script = try Script(name, commands, in: scratch)
      script.path = path
      tree = try await executor.run(RootTask(script: script, scratch: scratch, tree: tree, root: root))
    }
    let layer = try await Thread.run { [tree] in
      try tree.changes(rules: rules, excluding: root.excludedPaths)
    }
    return (layer, tree.isDirectory)
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
