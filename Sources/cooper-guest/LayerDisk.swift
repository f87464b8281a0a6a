import FileTrees
import MachineProtocol
import SystemPackage

/// The disk with the layers of an image, one behind the other.
struct LayerDisk {
  private let file: OpenFile
  private let byteCounts: [UInt64]

  /// Opens the disk, on which the layers have these lengths.
  init(_ byteCounts: [UInt64]) throws {
    let name = try Disk.needed(DiskName.layers).split(separator: "/").map { Array($0.utf8) }
    file = try OpenDirectory("/dev").file(name[1])
    self.byteCounts = byteCounts
  }

  /// The layers in order.
  var layers: [Layer] {
    var offset: UInt64 = 0
    return byteCounts.map { byteCount in
      defer {
        let unit = UInt64(GuestJob.layerAlignment)
        offset += (byteCount + unit - 1) / unit * unit
      }
      return Layer(file, offset: Int64(offset), byteCount: Int64(byteCount))
    }
  }

  /// The bytes of one layer.
  final class Layer: ByteSource {
    private let file: OpenFile
    private var offset: Int64
    private var rest: Int64

    fileprivate init(_ file: OpenFile, offset: Int64, byteCount: Int64) {
      (self.file, self.offset, rest) = (file, offset, byteCount)
    }

    /// See `ByteSource`.
    ///
    /// - Throws: `FileError`, `FileChanged` when the disk is shorter than it was said to be.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
      guard rest > 0 else { return 0 }
      let space = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(min(rest, Int64(buffer.count)))))
      let count = try file.read(into: space, at: offset)
      guard count > 0 else { throw FileChanged(path: DiskName.layers) }
      offset += Int64(count)
      rest -= Int64(count)
      return count
    }
  }
}
