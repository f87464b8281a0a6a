import CGuest
import FileTrees
import Glibc
import SystemPackage

/// The disks that the host gave to the machine.
enum Disk {
  private static let directory = "/sys/block"
  /// In tenths of a second.
  private static let patience = 100

  /// The node of the disk with that serial number.
  static func needed(_ serial: String) throws -> String {
    guard let found = try find(serial) else { throw GuestFailure(because: "there is no disk \(serial)") }
    return found
  }

  /// The node of the disk with that serial number; nil when there is none and `isNeeded` is false.
  static func find(_ serial: String, isNeeded: Bool = true) throws -> String? {
    for attempt in 0..<patience {
      for disk in (try? OpenDirectory(FilePath(directory)).names()) ?? [] {
        let name = String(decoding: disk, as: UTF8.self)
        guard Attribute.read("\(directory)/\(name)/serial") == serial else { continue }
        let node = "/dev/\(name)"
        if access(node, F_OK) == 0 {
          try forget(node)
          return node
        }
      }
      // All disks are found together.
      if !isNeeded, attempt > 0 { return nil }
      usleep(100_000)
    }
    throw GuestFailure(because: "there is no disk \(serial)")
  }

  /// Makes the kernel forget what it saw on the disk when it looked for partitions, before there was anything.
  private static func forget(_ node: String) throws {
    let file = open(node, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw GuestFailure("cannot open \(node)") }
    defer { close(file) }
    guard guest_forget_disk(file) == 0 else { throw GuestFailure("cannot read \(node) again") }
  }
}
