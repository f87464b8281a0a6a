public import ArchiveIO
import Glibc
public import SystemPackage

extension FileTree {
  /// Makes the tree on disk, in a directory that is there and empty.
  public func write(to directory: FilePath) throws(FileError) { try Self.write(root, to: directory) }

  private static func write(_ directory: Directory, to path: FilePath) throws(FileError) {
    for (name, node) in directory.entries {
      let child = FilePath(platformBytes: path.platformBytes + [UInt8(ascii: "/")] + name)
      switch node {
      case .directory(let directory):
        try check(mkdir(child.string, 0o755), "create the directory", child)
        try write(directory, to: child)
        try check(chmod(child.string, mode_t(directory.mode)), "set the mode of", child)
      case .link(let target, _):
        let target = FilePath(platformBytes: target)
        let result = target.withPlatformString { target in
          child.withPlatformString { symlink(target, $0) }
        }
        try check(result, "create the link", child)
      case .file(let bytes, let mode):
        let descriptor = child.withPlatformString {
          open($0, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        }
        try check(descriptor, "create", child)
        defer { close(descriptor) }
        try write(bytes, to: descriptor, child)
        try check(fchmod(descriptor, mode_t(mode)), "set the mode of", child)
      }
    }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: FilePath) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done)
      }
      if count < 0, errno == EINTR { continue }
      try check(Int32(clamping: count), "write", path)
      done += count
    }
  }

  private static func check(_ result: Int32, _ operation: String, _ path: FilePath) throws(FileError) {
    if result < 0 { throw FileError(operation, path.string, Errno(rawValue: errno)) }
  }
}
