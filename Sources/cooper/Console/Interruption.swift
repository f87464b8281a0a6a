import ArchiveIO
import Glibc
import ImageArchive
import Synchronization
import SystemPackage

/// Removes what must not stay when the user interrupts.
///
/// Files need nothing: they have no name before they are complete. A directory has one, so it is removed here.
enum Interruption {
  private static let directories = Mutex<[FilePath]>([])
  /// Carries the signal's number from the handler, which may do next to nothing, to a thread, which may do everything.
  private static let pipe = try? FileDescriptor.pipe(options: .closeOnExec)

  /// Removes `directory` when the program is ended by a signal.
  static func remove(_ directory: FilePath) {
    let isFirst = directories.withLock { directories in
      directories.append(directory)
      return directories.count == 1
    }
    if isFirst { watch() }
  }

  private static func watch() {
    guard let pipe else { return }
    Thread.detach {
      var number: UInt8 = 0
      guard withUnsafeMutableBytes(of: &number, { try? pipe.readEnd.read(into: $0) }) == 1 else { return }
      directories.withLock { directories in directories.forEach { OCILayoutWriter.removeTree($0) } }
      // Ending by the signal itself tells a calling shell what happened.
      signal(Int32(number), SIG_DFL)
      kill(getpid(), Int32(number))
    }
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { number in
        let byte = UInt8(truncatingIfNeeded: number)
        _ = withUnsafeBytes(of: byte) {
          Glibc.write(Interruption.pipe?.writeEnd.rawValue ?? -1, $0.baseAddress, 1)
        }
      }
    }
  }
}
