import ImageBuild
import SystemPackage
import VirtualMachine

/// Something that runs scripts as root, or as somebody who cannot tell the difference (vm-executor.md).
protocol RootExecutor: Sendable {
  /// Where it wants the file system of an image.
  var place: ScriptTree.Place { get }

  /// Calls `body` with what runs scripts over a tree in `directory`, and prepares meanwhile what that takes and needs no tree.
  func preparing<Value>(
    in directory: FilePath, _ body: (any RootExecutor) async throws -> Value
  ) async throws -> Value

  /// Runs a script, and gives what it made of the tree.
  ///
  /// Nothing that the script has started runs any more when this returns or throws.
  ///
  /// - Throws: `ScriptFailure` when the commands fail, `UsageError` when this machine lacks something.
  func run(_ task: RootTask) async throws -> ScriptTree
}

extension RootExecutor {
  func preparing<Value>(
    in directory: FilePath, _ body: (any RootExecutor) async throws -> Value
  ) async throws -> Value {
    try await body(self)
  }
}

/// A script that is to run over a tree.
struct RootTask {
  /// The commands, in a file in the scratch directory, and what is around them.
  let script: Script
  /// The scratch directory, which has the tree unless that is in memory.
  let scratch: ScratchTree
  /// The tree.
  let tree: ScriptTree
  /// What the tree needs to be `/` of the script; nil when it is the working directory, in this machine's own `/`.
  let root: ImageRoot?
}

/// What the user says of the way scripts run.
struct ScriptSettings: Sendable {
  /// Instead of the spec's.
  var executor: BuildSpec.Executor?
  /// Whether scripts may use the network.
  var hasNetwork = false
  /// Whether what is found out about KVM counts until the next start of this machine.
  var remembersKVM = true

  /// The executor for `spec`.
  ///
  /// - Parameters:
  ///   - asRoot: Whether real root may be used: the tree is `/` of the scripts.
  ///   - machine: The size of a virtual machine, where it is one.
  /// - Throws: `UsageError`, `MachineError`, `KernelError` when this machine cannot do what is asked for.
  func executor(
    for spec: BuildSpec, asRoot: Bool, machine: MachineSize = MachineSize()
  ) async throws -> any RootExecutor {
    try await executor(executor ?? spec.executor, asRoot: asRoot, machine: machine)
  }

  /// What that choice means on this machine.
  ///
  /// - Throws: as for a spec.
  func executor(
    _ choice: BuildSpec.Executor, asRoot: Bool, machine: MachineSize = MachineSize()
  ) async throws -> any RootExecutor {
    switch choice {
    case .auto where asRoot && !hasNetwork:
      if let found = try? await HostedMachine.underKVM(machine, remembering: remembersKVM) {
        return MachineExecutor(machine: found)
      }
      fallthrough
    case .auto, .namespace:
      return asRoot && NamespaceExecutor.isAllowed
        ? NamespaceExecutor(hasNetwork: hasNetwork) : PretendingExecutor(hasNetwork: hasNetwork)
    case .tcg, .kvm:
      guard !hasNetwork else {
        throw UsageError("the executors “kvm” and “tcg” have no network; leave out --network")
      }
      return MachineExecutor(machine: try await HostedMachine(machine, by: choice == .kvm ? .kvm : .tcg))
    }
  }
}
