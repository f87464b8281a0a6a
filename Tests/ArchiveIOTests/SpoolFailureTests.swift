import ArchiveIO
import Hashing
import SystemPackage
import TestSupport
import Testing

@Suite struct SpoolFailureTests {
  /// A full disk must not leave the sender waiting for room that never comes.
  @Test(arguments: 1...20)
  func `a file that cannot be written is an error, never a pause without end`(round: Int) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write("x", to: "read-only")
    let descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
    let spool = Spool(file: DirectFile(owning: descriptor, path: path), algorithm: .sha256)
    let content = [UInt8](repeating: 1, count: 12 * Spool.blockSize + round)
    await #expect(throws: FileError.self) {
      try await Thread.run {
        try spool.fill(from: ArraySource(content))
        _ = try spool.digest()
      }
    }
  }
}
