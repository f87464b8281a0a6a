import ArchiveIO
import Confinement
import Glibc
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
  private(set) var store: VisibleStore?

  /// What the script is with `root` as `/`, but for devices, which the machine has its own of.
  init(_ script: Script, in root: ImageRoot) throws {
    let launch = try root.launch(script)
    var job = GuestJob(command: launch.command.map { Array($0.utf8) })
    job.environment = launch.environment.map { Array($0.utf8) }
    job.report = Array("\(root.tools.place)/\(script.name).failed".utf8)
    for bind in launch.binds {
      let target = String(bind.target.dropFirst(launch.root?.count ?? 0))
      let source: GuestJob.Bind.Source
      switch target {
      case "/dev": source = .devices
      case "/sys": source = .system
      case root.tools.place: source = .scratch(Array(Self.boxName.utf8))
      case _ where target.hasPrefix("/dev/"): continue
      default:
        source = .extra(Array(Self.storeName.utf8))
        store = VisibleStore(storeDirectory: target, location: FilePath(bind.source))
      }
      job.binds.append(GuestJob.Bind(source, at: Array(target.utf8)))
    }
    (self.job, box) = (job, root.tools.directory)
  }
}
