import Glibc
import SystemPackage

/// Making things, one name at a time, so that no link is followed and names may be any bytes.
extension OpenDirectory {
  /// Makes a directory with these permission bits, whatever the process's creation mask, and opens it.
  public func createDirectory(_ name: [UInt8], mode: UInt32) throws(FileError) -> OpenDirectory {
    guard (withName(name) { mkdirat($0, $1, 0o700) }) == 0 else {
      throw failure("create the directory", name)
    }
    try setMode(mode, of: name)
    return try directory(name)
  }

  /// Makes a symbolic link.
  public func createLink(_ name: [UInt8], to target: [UInt8]) throws(FileError) {
    let result = withName(name) { descriptor, name in
      Self.withCString(target) { symlinkat($0, descriptor, name) }
    }
    guard result == 0 else { throw failure("create the link", name) }
  }

  /// Makes a file of these bytes and permission bits, whatever the process's creation mask.
  public func createFile(_ name: [UInt8], _ bytes: [UInt8], mode: UInt32) throws(FileError) {
    let file = withName(name) {
      openat($0, $1, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }
    guard file >= 0 else { throw failure("create", name) }
    defer { close(file) }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      guard count >= 0 || errno == EINTR else { throw failure("write", name) }
      written += max(0, count)
    }
    guard fchmod(file, mode) == 0 else { throw failure("set the mode of", name) }
  }

  /// Sets the permission bits of a file or directory; links must not be asked for.
  public func setMode(_ mode: UInt32, of name: [UInt8]) throws(FileError) {
    guard (withName(name) { fchmodat($0, $1, mode, 0) }) == 0 else { throw failure("set the mode of", name) }
  }

  /// Removes a directory if it is empty; whether it was.
  public func removeEmptyDirectory(_ name: [UInt8]) -> Bool {
    withName(name) { unlinkat($0, $1, AT_REMOVEDIR) } == 0
  }
}

extension OpenFile: ByteSource {}
