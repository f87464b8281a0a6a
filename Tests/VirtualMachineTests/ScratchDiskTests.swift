import ArchiveIO
import Foundation
import SystemPackage
import TestSupport
import Testing
import VirtualMachine

/// Disks as `e2fsck` checks them and, where this machine can, a kernel mounts them.
@Suite struct ScratchDiskTests {
  private static func make(_ byteCount: Int64, in directory: TemporaryDirectory) throws -> String {
    let path = directory.appending("scratch.ext4")
    let file = try NewFile(at: FilePath(path))
    let disk = try ScratchDisk(byteCount: byteCount)
    try disk.write(to: file.file)
    try file.commit()
    #expect(try file.file.byteCount() == disk.byteCount)
    return path
  }

  /// Sizes that are asked for and sizes that are made, in blocks of 4 KiB and a rest of bytes.
  private static let sizes: [(blocks: Int, rest: Int, made: Int)] = [
    (4096, 0, 4096), (25_600, 0, 25_600), (32_768, 0, 32_768), (32_768 + 256, 0, 32_768),
    (262_144, 4095, 262_144), (1_048_576 + 1793, 1, 1_048_576 + 1793), (5_242_880, 0, 5_242_880),
    (52_428_800, 0, 52_428_800),
  ]

  @Test(arguments: sizes)
  func `e2fsck finds no fault in a new disk, which takes next to no room`(
    blocks: Int, rest: Int, made: Int
  ) async throws {
    try Program.require("e2fsck", package: "e2fsprogs")
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try Self.make(Int64(4096 * blocks + rest), in: directory)
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(Int(status.st_size) == 4096 * made)
    #expect(Int(status.st_blocks) * 512 < 1_000_000 + made)
    let result = try await Program.run("e2fsck", ["-f", "-n", path])
    #expect(result.status == 0, "\(result.text)\n\(result.errors)")
    #expect(result.text.contains("11/"))
  }

  @Test func `a disk is always the same`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let first = try [UInt8](Data(contentsOf: URL(fileURLWithPath: Self.make(16 << 20, in: directory))))
    #expect(try Data(contentsOf: URL(fileURLWithPath: Self.make(16 << 20, in: directory))) == Data(first))
  }

  @Test(.enabled(if: RootAccess.isExpected, "only root can mount it"))
  func `a kernel fills it to the last block, and e2fsck agrees`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try Self.make(300 << 20, in: directory)
    let script = """
      set -e
      mkdir "$2"
      mount -t ext4 -o loop "$1" "$2"
      trap 'umount "$2"' EXIT
      mkdir "$2/many"
      for number in $(seq 3000); do echo "$number" >"$2/many/a file with number $number"; done
      mknod "$2/zero" c 1 5
      python3 -c 'import os, sys; os.setxattr(sys.argv[1], "trusted.large", b"x" * 60000)' "$2/many"
      [[ $(ls "$2/many" | wc -l) == 3000 ]]
      ! cat /dev/zero >"$2/fill" 2>/dev/null
      [[ $(stat --format %s "$2/fill") -gt $((270 << 20)) ]]
      """
    try await Program.check("bash", ["-c", script, "bash", path, directory.appending("mounted")])
    let result = try await Program.run("e2fsck", ["-f", "-n", path])
    #expect(result.status == 0, "\(result.text)\n\(result.errors)")
  }

  @Test func `sizes that no disk has are refused`() {
    #expect(throws: ScratchDiskError.tooSmall(1 << 20)) { try ScratchDisk(byteCount: 1 << 20) }
    #expect(throws: ScratchDiskError.tooLarge(1 << 44)) { try ScratchDisk(byteCount: 1 << 44) }
  }
}
