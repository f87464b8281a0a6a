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
        if access("/dev/\(name)", F_OK) == 0 { return "/dev/\(name)" }
      }
      // All disks are found together.
      if !isNeeded, attempt > 0 { return nil }
      usleep(100_000)
    }
    throw GuestFailure(because: "there is no disk \(serial)")
  }
}
