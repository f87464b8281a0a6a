import ArchiveIO
import Glibc
import ImageBuild
import SystemPackage

/// Writes a helper's files to a directory that appears when it is complete.
enum HelperDirectory {
  /// Fails when something of that name exists.
  static func write(_ tree: HelperTree, to path: FilePath) throws {
    let parent = path.removingLastComponent()
    var status = stat()
    // Nothing is written when it could not stay.
    guard lstat(path.string, &status) != 0 else { throw FileError("create", path.string, .fileExists) }
    let scratch = try ScratchDirectory(in: parent.isEmpty ? "." : parent.string)
    do {
      try tree.write(into: scratch.path)
      // What somebody else has put there meanwhile stays, unless it is an empty directory.
      guard chmod(scratch.path.string, 0o755) == 0, rename(scratch.path.string, path.string) == 0 else {
        throw FileError("create", path.string, Errno(rawValue: errno))
      }
    } catch {
      scratch.remove()
      throw error
    }
  }
}
