import ArchiveIO
import Glibc
public import SystemPackage

/// A tree on disk that scripts may change, removed with the last use of this object.
public final class ScratchTree: Sendable {
  /// The directory that holds everything of this build.
  public let directory: FilePath
  /// The root of the tree.
  public let root: FilePath
  /// A directory beside it, with an empty `tmp` in it, for what running the scripts needs.
  public let work: FilePath

  /// Makes `tree` in a new directory in `parent`; only its owner can look into it.
  public init(_ tree: FileTree, in parent: FilePath) throws {
    var template = Array(parent.appending("cooper-build-XXXXXX").platformBytes) + [0]
    let made = template.withUnsafeMutableBytes {
      mkdtemp($0.assumingMemoryBound(to: CChar.self).baseAddress.unsafelyUnwrapped) != nil
    }
    guard made else { throw FileError("create a directory in", parent.string, Errno(rawValue: errno)) }
    directory = FilePath(platformBytes: Array(template.dropLast()))
    root = directory.appending("root")
    work = directory.appending("work")
    for path in [root, work, work.appending("tmp")] where mkdir(path.string, 0o755) != 0 {
      throw FileError("create the directory", path.string, Errno(rawValue: errno))
    }
    // Whatever the creation mask of the process is, the image's root is the same.
    chmod(root.string, tree.root.mode)
    try tree.write(to: OpenDirectory(root))
  }

  /// Whether there is a directory at a path of the tree; nil when there is nothing.
  @Sendable public func isDirectory(_ path: [UInt8]) -> Bool? {
    var status = stat()
    let path = FilePath(platformBytes: root.platformBytes + [UInt8(ascii: "/")] + path)
    guard path.withPlatformString({ lstat($0, &status) }) == 0 else { return nil }
    return status.st_mode & S_IFMT == S_IFDIR
  }

  deinit { OpenDirectory.removeTree(directory) }
}
