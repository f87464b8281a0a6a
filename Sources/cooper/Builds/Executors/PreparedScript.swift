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
  let store: VisibleStore?

  /// Lets the launcher of `root` gather programs for the script, but not start it: what it would start is what the machine starts.
  init(_ script: Script, in root: ImageRoot, at directory: FilePath) async throws {
    let shell = try ScriptProgram("bash", package: "bash").path
    let command = directory.appending("command")
    defer { unlink(command.string) }
    var binds: [GuestJob.Bind] = []
    var (box, store): (FilePath, VisibleStore?) = ("", nil)
    var report = ""
    try await script.run { script in
      try root.command(script, shell: shell, hasOwnProcesses: true) { _, seen in
        for bind in seen {
          let source: GuestJob.Bind.Source
          switch bind.target {
          case "/dev": source = .devices
          case "/sys": source = .system
          case root.guestBox: (source, box) = (.scratch(Array(Self.boxName.utf8)), FilePath(bind.source))
          default:
            source = .extra(Array(Self.storeName.utf8))
            store = VisibleStore(storeDirectory: bind.target, location: FilePath(bind.source))
          }
          binds.append(GuestJob.Bind(source, at: Array(bind.target.utf8)))
        }
        report = "\(root.guestBox)/\(script.name).failed"
        return [shell, "-c", "printf '%s\\0' \"$@\" >\"$0\"", command.string]
      }
    }
    let words = try UserFile.contents(of: command.string).split(
      separator: 0, omittingEmptySubsequences: false)
    var job = GuestJob(command: words.dropLast().map { Array($0) })
    job.environment = script.variables.sorted { $0.key < $1.key }.map { Array("\($0.key)=\($0.value)".utf8) }
    job.binds = binds
    job.report = Array(report.utf8)
    (self.job, self.box, self.store) = (job, box, store)
  }
}
