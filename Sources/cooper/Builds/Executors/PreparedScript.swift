import Confinement
import MachineProtocol
import SystemPackage

/// A script with everything that it needs in a machine.
struct PreparedScript {
  let job: GuestJob
  /// Directories of this machine for the extra disk, by their names there.
  let directories: [String: FilePath]

  /// A script that sees the tree as `/`.
  init(_ script: Script, in root: ImageRoot) throws {
    let launch = try root.launch(script)
    var job = GuestJob(command: launch.command.map { Array($0.utf8) })
    job.environment = launch.environment.map { Array($0.utf8) }
    job.binds = [
      GuestJob.Bind(.devices, at: Array("/dev".utf8)), GuestJob.Bind(.system, at: Array("/sys".utf8)),
    ]
    var directories = ["box": root.tools.directory]
    if let store = root.store {
      job.binds.append(GuestJob.Bind(.extra(Array("store".utf8)), at: Array(store.place.utf8)))
      directories["store"] = FilePath(store.source)
    }
    job.binds.append(GuestJob.Bind(.scratch(Array("box".utf8)), at: Array(root.tools.place.utf8)))
    job.report = Array("\(root.tools.place)/\(script.name).failed".utf8)
    (self.job, self.directories) = (job, directories)
  }
}
