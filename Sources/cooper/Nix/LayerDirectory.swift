import ArchiveIO
import Hashing
import ImageBuild
import SystemPackage

/// A directory with a layer, as nixpkgs' derivations of layers are: `layer.tar`, and its SHA-256 in `checksum`.
enum LayerDirectory {
  static func write(_ layer: any LayerRecipe, to path: FilePath) throws {
    try FileOutput.makeDirectories(path)
    let file = try NewFile(at: path.appending("layer.tar"))
    let writer = BlockWriter(file.file, pool: BlockPool(blockSize: 1 << 20, limit: 4))
    var hasher = ContentHasher(.sha256)
    do {
      let source = try layer.open()
      while true {
        let piece = try writer.append { try source.read(into: $0) }
        if piece.byteCount == 0 { break }
        piece.withBytes { hasher.update($0) }
      }
      try writer.finish()
    } catch {
      writer.abandon()
      throw error
    }
    try file.commit()
    try FileOutput.write(Array(hasher.finalize().hex.utf8), to: path.appending("checksum"))
  }
}
