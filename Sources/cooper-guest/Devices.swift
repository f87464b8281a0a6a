import FileTrees
import Glibc
import SystemPackage

/// A `/dev` with which a program can do nothing to the machine.
enum Devices {
  private static let numbers: [(name: String, minor: UInt32, major: UInt32)] = [
    ("null", 3, 1), ("zero", 5, 1), ("full", 7, 1), ("random", 8, 1), ("urandom", 9, 1), ("tty", 0, 5),
  ]
  private static let links = [
    ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"),
  ]

  /// Mounts one on a directory.
  static func mount(at target: String) throws {
    try Mount.mount("tmpfs", at: target, type: "tmpfs", flags: UInt(MS_NOSUID), options: "mode=755")
    let directory = try OpenDirectory(FilePath(target))
    for (name, minor, major) in numbers {
      try directory.createNode(
        Array(name.utf8), type: .characterDevice, mode: 0o666, device: TarDevice(major: major, minor: minor))
    }
    for (name, target) in links { try directory.createLink(Array(name.utf8), to: Array(target.utf8)) }
    _ = try directory.createDirectory(Array("shm".utf8), mode: 0o1777)
  }
}
