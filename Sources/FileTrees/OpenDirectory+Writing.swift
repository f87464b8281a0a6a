import Glibc
public import SystemPackage

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

  /// Makes another name of a file; the file's own is one in another directory.
  public func createHardLink(_ name: [UInt8], to file: [UInt8], in directory: OpenDirectory) throws(FileError)
  {
    let result = withName(name) { descriptor, name in
      directory.withName(file) { linkat($0, $1, descriptor, name, 0) }
    }
    guard result == 0 else { throw failure("create the link", name) }
  }

  /// Sets the time when a file was changed, in seconds since 1970; of a link its own.
  public func setModificationTime(_ time: Int64, of name: [UInt8]) throws(FileError) {
    let times = [timespec(tv_sec: Int(time), tv_nsec: 0), timespec(tv_sec: Int(time), tv_nsec: 0)]
    guard (withName(name) { utimensat($0, $1, times, AT_SYMLINK_NOFOLLOW) }) == 0 else {
      throw failure("set the time of", name)
    }
  }

  /// Makes an empty file and gives it to `write`, then gives it its permission bits, whatever the process's creation mask.
  public func createFile(_ name: [UInt8], mode: UInt32, write: (FileDescriptor) throws -> Void) throws {
    let file = withName(name) {
      openat($0, $1, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }
    guard file >= 0 else { throw failure("create", name) }
    defer { close(file) }
    do { try write(FileDescriptor(rawValue: file)) } catch let error as Errno {
      throw FileError("write", path(of: name), error)
    }
    guard fchmod(file, mode) == 0 else { throw failure("set the mode of", name) }
  }

  /// Gives an existing file new content, also under its other names; links are not followed, and permission bits stay.
  public func rewriteFile(_ name: [UInt8], write: (FileDescriptor) throws -> Void) throws {
    let file = withName(name) { openat($0, $1, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
    guard file >= 0 else { throw failure("open", name) }
    defer { close(file) }
    do { try write(FileDescriptor(rawValue: file)) } catch let error as Errno {
      throw FileError("write", path(of: name), error)
    }
  }

  /// Makes a file of these bytes.
  public func createFile(_ name: [UInt8], _ bytes: [UInt8], mode: UInt32) throws {
    try createFile(name, mode: mode) { _ = try $0.writeAll(bytes) }
  }

  /// Makes a file of everything that is left of a source.
  public func createFile(_ name: [UInt8], from source: any ByteSource, mode: UInt32) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    defer { buffer.deallocate() }
    try createFile(name, mode: mode) { try source.copy(to: $0, through: buffer) }
  }

  /// Makes a pipe or a device; that takes root for a device.
  public func createNode(
    _ name: [UInt8], type: TarType, mode: UInt32, device: TarDevice?
  ) throws(FileError) {
    let number = device.map(\.deviceNumber) ?? 0
    guard (withName(name) { mknodat($0, $1, type.fileMode | mode, dev_t(number)) }) == 0 else {
      throw failure("create", name)
    }
    try setMode(mode, of: name)
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
