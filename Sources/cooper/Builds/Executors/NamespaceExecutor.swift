import Confinement
import ImageBuild

/// Real root, in namespaces of one's own: owners, devices and attributes are those of the files.
struct NamespaceExecutor: RootExecutor {
  let hasNetwork: Bool

  /// Whether this process is root and may make namespaces.
  static var isAllowed: Bool { Namespaces.areAllowed }

  var needsRealFiles: Bool { true }

  func run(_ task: RootTask) async throws -> Ownership {
    guard let root = task.root else {
      throw UsageError("\(task.script.name) cannot run as real root outside of the image")
    }
    let shell = try ScriptProgram("bash", package: "bash").path
    try await root.withMountPoints {
      try await task.script.run {
        try root.command($0, shell: shell, hasOwnProcesses: true) {
          try RunInside.prefix(root: $0, binds: $1, hasNetwork: hasNetwork)
        }
      }
    }
    return .real
  }
}
