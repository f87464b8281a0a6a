import ArchiveIO
import Glibc
import ImageBuild
import SystemPackage
import VirtualMachine

/// The disks of a machine, in a directory of this one.
struct MachineDisks {
  let all: Machine.Disks
  private let extra: FilePath

  init(at directory: FilePath) {
    extra = directory.appending("extra")
    all = Machine.Disks(lower: directory.appending("lower"), extra: extra)
  }

  /// Writes the tree, whose files have this ownership, and beside it what else is needed, which belongs to root.
  func write(tree: FilePath, _ ownership: Ownership, extra directories: [String: FilePath]) throws {
    try Self.write(to: all.lower) { try $0.add(ScratchMembers(tree, ownership: ownership)) }
    try Self.write(to: extra) { disk in
      for (name, path) in directories.sorted(by: { $0.key < $1.key }) {
        try disk.add(ScratchMembers(path, ownership: Ownership(), prefix: name))
      }
    }
  }

  private static func write(to path: FilePath, _ body: (EROFSWriter) throws -> Void) throws {
    let file = try FileDescriptor.open(
      path, .readWrite, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
    let writer = EROFSWriter(DirectFile(owning: file, path: path.string))
    try body(writer)
    _ = try writer.finish()
  }

  func remove() { for path in [all.lower, extra] { unlink(path.string) } }
}
