import ArchiveIO
import Glibc
import ImageArchive
import ImageBuild
import MachineProtocol
import SystemPackage
import VirtualMachine

/// The file system of an image as the kernel of a virtual machine holds it, in which the layers were unpacked as dockerTools' exportImage does it
/// (nix-dockertools.md, section 8).
struct MachineExport {
  private let machine: HostedMachine

  /// An export by a machine whose disk has so many MiB; `remark` gets a line where emulation takes the place of KVM.
  ///
  /// - Throws: `UsageError`, `MachineError`, `KernelError`, `ScratchDiskError` for what cannot be had here.
  init(_ executor: BuildSpec.Executor, diskSize: Int, remark: (String) -> Void) async throws {
    let size = MachineSize(disk: diskSize)
    _ = try ScratchDisk(byteCount: Int64(diskSize) << 20)
    switch executor {
    case .kvm: machine = try await HostedMachine(size, by: .kvm)
    case .tcg: machine = try await HostedMachine(size, by: .tcg)
    case .auto:
      do { machine = try await HostedMachine.underKVM(size, remembering: true) } catch MachineError.noKVM(
        let reason)
      {
        remark("the virtual machine is emulated, which is 20 to 60 times slower: \(reason)")
        machine = try await HostedMachine(size, by: .tcg)
      }
    case .namespace:
      throw UsageError("--vm unpacks in a virtual machine, which the executor “namespace” has none of")
    }
  }

  /// Unpacks the layers, and writes the tree that comes of them to an empty file.
  ///
  /// - Throws: `MachineError`, `MachineExportError`; what reading the layers and writing throws.
  func write(_ image: Image, style: FlatTarStyle, to file: DirectFile) async throws {
    let scratch = try ScratchDirectory(in: ProcessEnvironment.current.temporaryDirectory.string)
    defer { scratch.remove() }
    let disk = scratch.path.appending("layers")
    let tree = scratch.path.appending("tree.tar")
    let layers = try ReservedDisk.create(at: disk)
    let machine = try machine.start(on: Machine.Disks(layers: disk), in: scratch.path, output: tree)
    try await ending(machine.end) {
      let byteCounts = try await Thread.run { try Self.write(image, to: layers) }
      var job = GuestJob(layers: byteCounts)
      job.keepsTimes = style.keepsTimes
      do {
        try await machine.run(job)
      } catch let error as MachineError {
        throw MachineExportError(error) ?? error
      }
    }
    unlink(disk.string)
    _ = try await FlatTar(tree: FileRange(whole: DirectFile(reading: tree)), style: style).write(to: file)
  }

  /// Writes the layers one behind the other, decompressed, and gives their lengths in bytes.
  private static func write(_ image: Image, to file: DirectFile) throws -> [UInt64] {
    let writer = BlockWriter(file, pool: BlockPool(blockSize: 1 << 20, limit: 4))
    var byteCounts: [UInt64] = []
    for (number, layer) in image.layers.enumerated() {
      image.layers[number...].prefix(Layer.fetchWidth).forEach { $0.content.prefetch() }
      // Opened before all bytes are here, a layer that starts again would have to be opened again, too.
      _ = try layer.content.byteCount()
      let source = try layer.content.openUncompressed()
      let start = writer.position
      while try writer.append({ try source.read(into: $0) }).byteCount > 0 {}
      byteCounts.append(UInt64(writer.position - start))
      try writer.pad(to: GuestJob.layerAlignment)
    }
    // A disk of nothing is none.
    try writer.append([0])
    try writer.pad(to: GuestJob.layerAlignment)
    try writer.finish()
    return byteCounts
  }
}

/// Why a machine did not unpack the layers of an image.
struct MachineExportError: Error, CustomStringConvertible {
  var description: String

  /// The error in words of this work; nil where it has its own.
  init?(_ error: MachineError) {
    let reason = String(decoding: error.report ?? [], as: UTF8.self)
    switch error {
    case .program: description = "\(reason); without --vm no kernel is asked"
    case .diskFull(_, let mebibytes, _):
      description = "\(reason); the machine's disk of \(mebibytes) MiB is full, raise --disk-size"
    case .outOfMemory(_, let mebibytes, _):
      description = "\(reason); the machine's \(mebibytes) MiB of memory were too little"
    default: return nil
    }
  }
}
