import FileTrees
import Glibc
import MachineProtocol
import SystemPackage

/// The first program of the virtual machine: runs one program with a tree as its root and gives what that changed to the host, or unpacks layers and
/// gives the tree that comes of them, and switches the machine off (vm-executor.md, sections 3 to 5).
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
      if let control { try work(control) }
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
      try Modules.load()
      return try Control()
    } catch {
      Console.say("\(error)")
      return nil
    }
  }

  private static func work(_ control: Control) throws {
    control.send(.ready)
    let job = try control.job()
    if let layers = job.layers {
      try unpack(layers, keepingTimes: job.keepsTimes, control)
    } else {
      try run(job, control)
    }
    control.send(.done)
  }

  private static func run(_ job: GuestJob, _ control: Control) throws {
    let tree = try Tree(job)
    let log = try Port.open(PortName.log)
    let process = try ScriptProcess(job, log: log)
    control.send(.started)
    let ending = try process.wait(limit: job.timeLimit)
    control.send(.ended(Scratch.ending(status: ending.status, isLate: ending.isLate)))
    if let report = tree.report() { control.send(.report(report)) }
    if ending.status == 0, !ending.isLate { try give(tree.changes(), control) }
  }

  /// Makes a tree of layers.
  private static func unpack(
    _ byteCounts: [UInt64], keepingTimes keepsTimes: Bool, _ control: Control
  ) throws {
    try Mount.switchRoot()
    try Scratch.mount()
    try Limits.allowManyFiles()
    let tree = try LayerTree(keepingTimes: keepsTimes)
    control.send(.started)
    for (number, layer) in try LayerDisk(byteCounts).layers.enumerated() {
      do { try tree.unpack(layer) } catch {
        control.send(.ended(Scratch.ending(status: 1)))
        let reason = "layer \(number + 1) of \(byteCounts.count): \(error)"
        return control.send(.report(Array(reason.utf8)))
      }
    }
    control.send(.ended(Scratch.ending(status: 0)))
    try give(tree.members(), control)
  }

  /// Gives the host a tar of these members.
  private static func give(_ members: some CountedMembers, _ control: Control) throws {
    let output = try Port.open(PortName.output)
    let tar = TarStream(members, .gnu(numericOwner: true))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 4096)
    defer { buffer.deallocate() }
    let byteCount = try tar.copy(to: output, through: buffer)
    control.send(.output(members: members.count, byteCount: UInt64(byteCount)))
  }
}

/// A step of the guest that the kernel refused.
struct GuestFailure: Error, CustomStringConvertible {
  let description: String

  init(_ step: String) { description = "\(step): \(String(cString: strerror(errno)))" }
  init(because reason: String) { description = reason }
}
