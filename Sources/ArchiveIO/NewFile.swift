import Glibc
public import SystemPackage

/// A file that gets its name only when it is complete.
///
/// Until then it has no name at all (`O_TMPFILE`), so that even a process that is killed leaves nothing behind. On file
/// systems without nameless files it has a hidden name beside the final one, which is removed on failure.
public final class NewFile: Sendable {
  /// The name that the file will get.
  public let path: FilePath
  /// The open file, for reading and writing.
  public let file: DirectFile
  /// The hidden name, where there is one: to be removed when a signal ends the program.
  public let temporaryName: FilePath?
  private let isDone = Monitor(false)

  /// Creates the file in the directory of `path`.
  ///
  /// A file that is there already stays as it is until `commit`.
  public init(at path: FilePath, permissions: FilePermissions = FilePermissions(rawValue: 0o644))
    throws(FileError)
  {
    self.path = path
    let directory = path.removingLastComponent()
    let folder = directory.isEmpty ? "." : directory.string
    let mode = Self.masked(permissions).rawValue
    let nameless = open(folder, __O_TMPFILE | O_RDWR | O_CLOEXEC, mode)
    if nameless >= 0 {
      file = DirectFile(owning: FileDescriptor(rawValue: nameless), path: path.string)
      temporaryName = nil
      return
    }
    guard errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL else {
      throw FileError("create a file in", folder, Errno(rawValue: errno))
    }
    let name = Self.temporaryPath(for: path)
    let named = open(name.string, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode)
    guard named >= 0 else { throw FileError("create", name.string, Errno(rawValue: errno)) }
    file = DirectFile(owning: FileDescriptor(rawValue: named), path: path.string)
    temporaryName = name
  }

  deinit {
    if let temporaryName, !isDone.read({ $0 }) { unlink(temporaryName.string) }
  }

  /// A hidden name beside `path` that no other process uses.
  public static func temporaryPath(for path: FilePath) -> FilePath {
    let name = ".\(path.lastComponent?.string ?? "file").cooper-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    return path.removingLastComponent().appending(name)
  }

  /// Gives the file its name; a file of that name is replaced in the same instant.
  public func commit() throws(FileError) {
    let name: FilePath
    if let temporaryName {
      name = temporaryName
    } else {
      // A nameless file can only be linked to a name that is free, so replacing takes two steps.
      let source = "/proc/self/fd/\(file.fileDescriptor.rawValue)"
      if linkat(AT_FDCWD, source, AT_FDCWD, path.string, AT_SYMLINK_FOLLOW) == 0 { return finished() }
      guard errno == EEXIST else { throw FileError("create", path.string, Errno(rawValue: errno)) }
      name = Self.temporaryPath(for: path)
      guard linkat(AT_FDCWD, source, AT_FDCWD, name.string, AT_SYMLINK_FOLLOW) == 0 else {
        throw FileError("create", name.string, Errno(rawValue: errno))
      }
    }
    guard rename(name.string, path.string) == 0 else {
      let reason = Errno(rawValue: errno)
      unlink(name.string)
      throw FileError("create", path.string, reason)
    }
    finished()
  }

  private func finished() { isDone.update { $0 = true } }

  /// What the process's creation mask leaves of `permissions`.
  public static func masked(_ permissions: FilePermissions) -> FilePermissions {
    FilePermissions(rawValue: permissions.rawValue & ~mask)
  }

  /// The process's creation mask, which kernels before 6.0 do not apply to nameless files.
  ///
  /// Reading it means setting it; nothing else here does, so the race is with ourselves only.
  private static let mask: mode_t = {
    let mask = umask(0o022)
    umask(mask)
    return mask
  }()
}
