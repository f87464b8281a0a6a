import FileTrees
import Glibc
import MachineProtocol
import SystemPackage

/// The first program of the virtual machine: runs one program with a tree as its root, gives what that changed to the host, and switches the machine
/// off (vm-executor.md, sections 3 to 5).
@main
enum Guest {
  static func main() {
    if CommandLine.arguments.dropFirst().first == ScriptProcess.argument { ScriptProcess.enter() }
    guard getpid() == 1 else {
      let text = "cooper-guest is the first program of a virtual machine, and does nothing elsewhere\n"
      _ = try? FileDescriptor.standardError.writeAll(text.utf8)
      exit(2)
    }
    let control = start()
    do {
      try work(control)
    } catch {
      control?.send(.failed(Array("\(error)".utf8)))
      Console.say("\(error)")
    }
    control?.waitForHost()
    Console.powerOff()
  }

  /// Gets as far as being able to tell the host anything.
  private static func start() -> Control? {
    do {
      try Mount.system()
      Memory.endThrashing()
      let job = try Job.read()
      try Modules.load(job.modules)
      return try Control(job)
    } catch {
      Console.say("\(error)")
      return nil
    }
  }

  private static func work(_ control: Control?) throws {
    guard let control else { return }
    control.send(.ready)
    let tree = try Tree(control.job)
    let log = try Port.open(PortName.log)
    let process = try ScriptProcess(control.job, log: log)
    control.send(.started)
    let ending = try process.wait(limit: control.job.timeLimit)
    control.send(.ended(tree.ending(ending)))
    if let report = tree.report() { control.send(.report(report)) }
    if ending.status == 0, !ending.isLate {
      let output = try Port.open(PortName.output)
      let (members, byteCount) = try tree.writeChanges(to: output)
      control.send(.output(members: members, byteCount: byteCount))
    }
    control.send(.done)
  }
}

/// The job in the initial RAM disk.
enum Job {
  static func read() throws -> GuestJob {
    let parts = GuestJob.path.split(separator: "/").map { Array($0.utf8) }
    let bytes = try OpenDirectory("/").file(parts[0]).readAll()
    return try GuestJob(decoding: bytes)
  }
}

/// A step of the guest that the kernel refused.
struct GuestFailure: Error, CustomStringConvertible {
  let description: String

  init(_ step: String) { description = "\(step): \(String(cString: strerror(errno)))" }
  init(because reason: String) { description = reason }
}
