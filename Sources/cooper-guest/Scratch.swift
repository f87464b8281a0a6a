import FileTrees
import Glibc
import MachineProtocol
import SystemPackage

/// The disk for what is changed.
enum Scratch {
  /// Where it is.
  static let root = "/scratch"

  /// Mounts it.
  static func mount() throws {
    try Mount.mount(Disk.needed(DiskName.scratch), atNew: root, type: "ext4")
  }

  /// How something ended, with what is left of the machine.
  static func ending(status: Int32, isLate: Bool = false) -> GuestRecord.Ending {
    var left = statvfs()
    statvfs(root, &left)
    return GuestRecord.Ending(
      status: UInt64(status), isLate: isLate, freeByteCount: UInt64(left.f_bavail) * UInt64(left.f_frsize),
      freeFileCount: UInt64(left.f_favail), killedForMemory: counter("oom_kill"))
  }

  private static func counter(_ name: String) -> UInt64 {
    guard let bytes = try? OpenDirectory("/proc").file(Array("vmstat".utf8)).readAll() else { return 0 }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let line = lines.first { $0.hasPrefix("\(name) ") }
    return line.flatMap { UInt64($0.dropFirst(name.count + 1)) } ?? 0
  }
}
