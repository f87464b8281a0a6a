import Confinement
import MachineProtocol
import SystemPackage

/// A script with everything that it needs in a machine.
struct PreparedScript {
  /// What the extra disk has.
  static let (boxName, storeName) = ("box", "store")

  let job: GuestJob
  /// The directory of programs that go with it.
  let box: FilePath
  /// The store, where there is one.
  let store: VisibleStore?

  /// A script that sees the tree as `/`.
  init(_ script: Script, in root: ImageRoot) throws {
    let launch = try root.launch(script)
    var job = GuestJob(command: launch.command.map { Array($0.utf8) })
    job.environment = launch.environment.map { Array($0.utf8) }
    job.binds = [
      GuestJob.Bind(.devices, at: Array("/dev".utf8)), GuestJob.Bind(.system, at: Array("/sys".utf8)),
    ]
    if let store = root.store {
      job.binds.append(GuestJob.Bind(.extra(Array(Self.storeName.utf8)), at: Array(store.place.utf8)))
    }
    job.binds.append(
      GuestJob.Bind(.scratch(Array(Self.boxName.utf8)), at: Array(root.tools.place.utf8)))
    job.report = Array("\(root.tools.place)/\(script.name).failed".utf8)
    (self.job, box) = (job, root.tools.directory)
    store = root.store.map { VisibleStore(storeDirectory: $0.place, location: FilePath($0.source)) }
  }
}
