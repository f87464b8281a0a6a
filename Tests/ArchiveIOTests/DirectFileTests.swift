@testable import ArchiveIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct DirectFileTests {
  /// 4096-aligned memory, or memory next to it that direct I/O refuses.
  private func withMemory(_ bytes: [UInt8], shift: Int = 0, _ body: (UnsafeRawBufferPointer) throws -> Void)
    rethrows
  {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: (bytes.count + 8191) / 4096 * 4096, alignment: 4096)
    defer { memory.deallocate() }
    memory[shift...].copyBytes(from: bytes)
    try body(UnsafeRawBufferPointer(rebasing: memory[shift..<shift + bytes.count]))
  }

  @Test(arguments: Place.allCases, [true, false])
  func `blocks and odd bytes are written where they belong`(place: Place, isDirect: Bool) throws {
    let directory = try place.directory()
    defer { directory.remove() }
    let descriptor = try FileDescriptor.open(
      directory.path("f"), .readWrite, options: [.create], permissions: .ownerReadWrite)
    let file = DirectFile(owning: descriptor, path: "f", direct: isDirect)
    try withMemory(pattern(8192)) { try file.writeAligned($0, at: 4096) }
    try withMemory(pattern(5, seed: 2)) { try file.write($0, at: 4094) }
    try withMemory(pattern(4000, seed: 3)) { try file.writeAligned($0, at: 12_288) }
    try file.truncate(to: 16_288)
    var expected = [UInt8](repeating: 0, count: 4096) + pattern(8192) + pattern(4000, seed: 3)
    expected.replaceSubrange(4094..<4099, with: pattern(5, seed: 2))
    #expect(try file.content() == expected)
    #expect(try file.byteCount() == 16_288)
  }

  @Test func `memory that direct I/O refuses is written all the same`() throws {
    let directory = try Place.disk.directory()
    defer { directory.remove() }
    let file = try directory.file()
    let bytes = pattern(4096)
    try withMemory(bytes, shift: 3) { try file.writeAligned($0, at: 4096) }
    try withMemory(bytes) { try file.writeAligned($0, at: 0) }
    #expect(try file.content() == bytes + bytes)
  }

  @Test func `reading at an odd place works, and gives 0 at the end`() throws {
    let directory = try Place.disk.directory()
    defer { directory.remove() }
    let file = try directory.file()
    try withMemory(pattern(5000)) { try file.write($0, at: 0) }
    var buffer = [UInt8](repeating: 0, count: 100)
    let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: 4950) }
    #expect(Array(buffer[..<count]) == Array(pattern(5000)[4950...]))
    #expect(try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: 5000) } == 0)
  }

  @Test func `a whole file is read only up to the limit`() throws {
    let directory = try Place.disk.directory()
    defer { directory.remove() }
    let file = try directory.file()
    try withMemory(pattern(5000)) { try file.write($0, at: 0) }
    #expect(try file.readAll(limit: 5000) == pattern(5000))
    #expect(try file.readAll(limit: 100_000) == pattern(5000))
    let error = #expect(throws: FileError.self) { try file.readAll(limit: 4999) }
    #expect(error?.errno == .fileTooLarge)
  }
}
