import ArchiveIO
import Glibc
import ImageArchive
import SystemPackage

/// A directory that is removed with everything in it, also when the user interrupts.
struct ScratchDirectory: Sendable {
  let path: FilePath

  /// Makes a directory that only its owner can enter.
  init(in parent: String) throws(FileError) {
    path = NewFile.temporaryPath(for: FilePath(parent).appending("work"))
    guard mkdir(path.string, 0o700) == 0 else {
      throw FileError("create the directory", path.string, Errno(rawValue: errno))
    }
    Interruption.remove(path)
  }

  func remove() { OCILayoutWriter.removeTree(path) }
}
