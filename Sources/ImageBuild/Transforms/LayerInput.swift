public import ArchiveIO
import Glibc
public import ImageArchive
public import SystemPackage

/// Something on this machine that can become a layer: a tar, compressed or not, or a directory.
public struct LayerInput: Sendable {
  /// What it is called in messages and in the history: the last part of its path.
  public let name: String
  let recipe: any LayerRecipe

  /// Opens `path`.
  ///
  /// A directory becomes a tar with `owner` and `modificationTime`. What is no ordinary file, a pipe for instance, is kept in `scratch`.
  ///
  /// - Throws: `FileError`, and what reading a pipe throws.
  public init(
    _ path: FilePath, owner: TarOwner, modificationTime: Int64, scratch: BlobCache
  ) throws {
    name = path.lastComponent?.string ?? path.string
    let file = try DirectFile(reading: path)
    var status = stat()
    guard fstat(file.fileDescriptor.rawValue, &status) == 0 else {
      throw FileError("examine", path.string, Errno(rawValue: errno))
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      recipe = DirectoryLayer(path, owner: owner, modificationTime: modificationTime)
    case S_IFREG: recipe = try FileLayer(FileRange(whole: file))
    default: recipe = try SpooledLayer(file.fileDescriptor, name: path.string, scratch: scratch)
    }
  }

  /// A layer that is made here.
  init(_ recipe: any LayerRecipe, name: String) { (self.recipe, self.name) = (recipe, name) }

  /// Takes everything that comes from an open descriptor, which stays its owner's, into `scratch`.
  public init(_ descriptor: FileDescriptor, name: String, scratch: BlobCache) throws {
    self.name = name
    recipe = try SpooledLayer(descriptor, name: name, scratch: scratch)
  }
}

/// A tar that came through a pipe, and was kept because it is read more than once.
private struct SpooledLayer: LayerRecipe {
  let isCompressed: Bool
  private let spool: Spool

  init(_ descriptor: FileDescriptor, name: String, scratch: BlobCache) throws {
    spool = try scratch.scratch().spool
    try spool.fill(from: DescriptorSource(descriptor, name: name))
    _ = try spool.digest()
    spool.complete()
    let start = BufferedSource(spool.makeReader(), capacity: 16 << 10)
    isCompressed = try PlainFile.compression(of: start) != .none
  }

  func open() throws -> any ByteSource { spool.makeReader() }

  func byteCount() throws -> Int64 { spool.receivedByteCount }
}
