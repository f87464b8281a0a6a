import CGuest
import Glibc

/// Mounts of the guest itself.
enum Mount {
  /// The file systems of the kernel, and a root that can be left: the initial RAM disk's own cannot.
  static func system() throws {
    mkdir("/root", 0o755)
    try mount("tmpfs", at: "/root", type: "tmpfs", options: "mode=755")
    for (name, type) in [("dev", "devtmpfs"), ("proc", "proc"), ("sys", "sysfs")] {
      mkdir("/\(name)", 0o755)
      mkdir("/root/\(name)", 0o755)
      try mount(type, at: "/\(name)", type: type)
    }
  }

  /// Makes the root that can be left the root, with the file systems of the kernel in it.
  static func switchRoot() throws {
    for name in ["dev", "proc", "sys"] {
      try mount("/\(name)", at: "/root/\(name)", type: nil, flags: UInt(MS_MOVE))
    }
    guard chdir("/root") == 0 else { throw GuestFailure("cannot enter the new root") }
    try mount(".", at: "/", type: nil, flags: UInt(MS_MOVE))
    guard chroot(".") == 0, chdir("/") == 0 else { throw GuestFailure("cannot change the root") }
  }

  /// Mounts a file system on a directory that is there.
  static func mount(
    _ source: String, at target: String, type: String?, flags: UInt = 0, options: String? = nil
  ) throws {
    guard Glibc.mount(source, target, type, flags, options) == 0 else {
      throw GuestFailure("cannot mount \(source) on \(target)")
    }
  }

  /// Mounts a file system on a new directory.
  static func mount(
    _ source: String, atNew target: String, type: String?, flags: UInt = 0, options: String? = nil
  ) throws {
    guard mkdir(target, 0o755) == 0 else { throw GuestFailure("cannot create \(target)") }
    try mount(source, at: target, type: type, flags: flags, options: options)
  }

  /// Mounts something that is there already a second time.
  static func bind(_ source: String, at target: String) throws {
    try mount(source, at: target, type: nil, flags: UInt(MS_BIND | MS_REC))
  }
}
