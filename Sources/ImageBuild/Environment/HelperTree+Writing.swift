public import ArchiveIO
import Glibc
public import SystemPackage

extension HelperTree {
  /// Writes everything into a directory that is there and empty, with the modes of the tree whatever the creation mask is.
  public func write(into directory: FilePath) throws(FileError) {
    for entry in entries {
      let path = directory.pushing(FilePath(entry.path)).string
      let mode: UInt16?
      switch entry.content {
      case .directory:
        try Self.check(mkdir(path, 0o755), "create the directory", path)
        mode = 0o755
      case .file(let bytes, let permissions):
        try Self.write(bytes, to: path)
        mode = permissions
      case .link(let target):
        try Self.check(symlink(target, path), "create the link", path)
        mode = nil
      }
      if let mode { try Self.check(chmod(path, mode_t(mode)), "change the mode of", path) }
    }
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    do {
      let file = try FileDescriptor.open(
        FilePath(path), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: .ownerReadWrite)
      _ = try file.closeAfter { try file.writeAll(bytes) }
    } catch {
      throw FileError("write", path, error as? Errno ?? .ioError)
    }
  }

  private static func check(_ result: Int32, _ operation: String, _ path: String) throws(FileError) {
    if result != 0 { throw FileError(operation, path, Errno(rawValue: errno)) }
  }
}
