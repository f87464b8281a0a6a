import Confinement
import Glibc
import ImageBuild
import PretendedRoot

/// Real root, in namespaces of one's own: owners, devices and attributes are those of the files.
struct NamespaceExecutor: RootExecutor {
  let hasNetwork: Bool

  /// Whether this process is root of the machine, may make namespaces, and no system call filter keeps it from what root does.
  static var isAllowed: Bool {
    geteuid() == 0 && hasAllUsers && !PretendedRoot.isFiltered && Launch.isAllowed(mappingUser: false)
  }

  /// Whether owners can be any, which they cannot for the root of most user namespaces.
  private static var hasAllUsers: Bool {
    guard let map = try? UserFile.read("/proc/self/uid_map") else { return true }
    let fields = String(decoding: map, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return fields == ["0", "0", "4294967295"]
  }

  var place: ScriptTree.Place { .disk }

  func run(_ task: RootTask) async throws -> ScriptTree {
    guard let root = task.root else {
      throw UsageError("\(task.script.name) cannot run as real root outside of the image")
    }
    try await root.withMountPoints {
      var launch = try root.launch(task.script)
      launch.hasNetwork = hasNetwork
      try await task.script.run(launch) { launch, hasStarted in
        let first = try launch.start()
        hasStarted(first.number)
        first.letGo()
        return .exited(first.wait())
      }
    }
    return task.result(.real)
  }
}
