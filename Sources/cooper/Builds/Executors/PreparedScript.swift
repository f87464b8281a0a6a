import ArchiveIO
import Confinement
import Glibc
import MachineProtocol
import SystemPackage

/// A script with everything that it needs in a machine.
struct PreparedScript {
  let job: GuestJob
  /// Directories of this machine for the extra disk, by their names there.
  let directories: [String: FilePath]

  /// Lets the launcher of `root` gather programs for the script, but not start it: what it would start is what the machine starts.
  init(_ script: Script, in root: ImageRoot, at directory: FilePath) async throws {
    let shell = try ScriptProgram("bash", package: "bash").path
    let command = directory.appending("command")
    defer { unlink(command.string) }
    var binds: [GuestJob.Bind] = []
    var directories: [String: FilePath] = [:]
    var report = ""
    try await script.run { script in
      try root.command(script, shell: shell, hasOwnProcesses: true) { _, seen in
        for bind in seen {
          binds.append(Self.bind(bind.source, at: bind.target, isReadOnly: bind.isReadOnly, &directories))
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
    (self.job, self.directories) = (job, directories)
  }

  private static func bind(
    _ source: String, at target: String, isReadOnly: Bool, _ directories: inout [String: FilePath]
  ) -> GuestJob.Bind {
    let place = Array(target.utf8)
    switch target {
    case "/dev": return GuestJob.Bind(.devices, at: place)
    case "/sys": return GuestJob.Bind(.system, at: place)
    default:
      let name = isReadOnly ? "store" : "box"
      directories[name] = FilePath(source)
      return GuestJob.Bind(isReadOnly ? .extra(Array(name.utf8)) : .scratch(Array(name.utf8)), at: place)
    }
  }
}
