import ArchiveIO
import Glibc
import ImageBuild
import MachineProtocol
import SystemPackage
import VirtualMachine

/// The disks of a machine, in a directory of this one; they are there at once, and may be written when the machine has started.
struct MachineDisks {
  let all: Machine.Disks
  private let lower: DirectFile
  private let extra: DirectFile

  /// - Throws: `FileError`.
  init(at directory: FilePath) throws {
    let paths = (lower: directory.appending("lower"), extra: directory.appending("extra"))
    (lower, extra) = (try ReservedDisk.create(at: paths.lower), try ReservedDisk.create(at: paths.extra))
    all = Machine.Disks(lower: paths.lower, extra: paths.extra)
  }

  /// Writes the tree, and beside it what else the script needs, which belongs to root.
  func write(_ tree: GuestTree, for script: PreparedScript) throws {
    try Self.write(to: lower) { try $0.add(tree.members()) }
    try Self.write(to: extra) { disk in
      try disk.add(ScratchMembers(script.box, ownership: Ownership(), prefix: PreparedScript.boxName))
      guard let store = script.store else { return }
      let directory = PreparedScript.storeName
      try disk.add(TarInput(header: TarHeader(name: directory, type: .directory, mode: 0o755)))
      // The box has the commands.
      let sources = try [tree.members(), ScratchMembers(script.box, ownership: Ownership())]
        .map { TarStream($0, .gnu(numericOwner: true)) }
      let paths = try store.paths(mentionedIn: sources + [ArraySource(script.job.encoded)])
      for (name, path) in paths.sorted(by: { $0.key < $1.key }) {
        try disk.add(ScratchMembers(path, ownership: Ownership(), prefix: "\(directory)/\(name)"))
      }
    }
  }

  private static func write(to file: DirectFile, _ body: (EROFSWriter) throws -> Void) throws {
    let writer = EROFSWriter(file)
    try body(writer)
    _ = try writer.finish()
  }

  func remove() { for file in [lower, extra] { unlink(file.path) } }
}
