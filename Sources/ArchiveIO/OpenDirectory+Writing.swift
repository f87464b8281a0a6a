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

  /// Makes an empty file and gives it to `write`, then gives it its permission bits.
  public func createFile(
    _ name: [UInt8], mode: UInt32, write: (FileDescriptor) throws -> Void
  ) throws {
    let file = try createFile(name)
    defer { close(file) }
    try write(FileDescriptor(rawValue: file))
    guard fchmod(file, mode) == 0 else { throw failure("set the mode of", name) }
  }

  /// Makes a file of these bytes and permission bits, whatever the process's creation mask.
  public func createFile(_ name: [UInt8], _ bytes: [UInt8], mode: UInt32) throws(FileError) {
    let file = try createFile(name)
    defer { close(file) }
    let failure: FileError? = bytes.withUnsafeBytes { bytes in
      do throws(FileError) { try write(bytes, to: file, name) } catch { return error }
      return nil
    }
    if let failure { throw failure }
    guard fchmod(file, mode) == 0 else { throw self.failure("set the mode of", name) }
  }

  /// The same with everything that is left of an open file.
  public func createFile(_ name: [UInt8], from source: OpenFile, mode: UInt32) throws(FileError) {
    let file = try createFile(name)
    defer { close(file) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    defer { buffer.deallocate() }
    while true {
      let count = try source.read(into: buffer)
      if count == 0 { break }
      try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: file, name)
    }
    guard fchmod(file, mode) == 0 else { throw failure("set the mode of", name) }
  }

  private func createFile(_ name: [UInt8]) throws(FileError) -> Int32 {
    let file = withName(name) {
      openat($0, $1, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }
    guard file >= 0 else { throw failure("create", name) }
    return file
  }

  private func write(_ bytes: UnsafeRawBufferPointer, to file: Int32, _ name: [UInt8]) throws(FileError) {
    var written = 0
    while written < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
      let count = Glibc.write(file, rest.baseAddress, rest.count)
      guard count >= 0 || errno == EINTR else { throw failure("write", name) }
      written += max(0, count)
    }
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
