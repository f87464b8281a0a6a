import Glibc
public import SystemPackage

/// Opens archives for reading anywhere in them.
///
/// A plain file is used as it is. Of compressed ones, and of what comes through a pipe, a file without a name is made in one pass, which
/// vanishes with its last use.
public struct PlainFile: Sendable {
  /// A directory on a disk that has room.
  public let scratch: FilePath
  /// The most bytes that may go to the scratch directory; nil allows as many as are free there.
  public let limit: Int64?

  /// An opener of archives.
  public init(scratch: FilePath, limit: Int64? = nil) {
    self.scratch = scratch
    self.limit = limit
  }

  /// The file at `path`, decompressed when it is compressed: plain, gzip, zstd, bzip2 or xz.
  ///
  /// - Throws: `FileError`, `DecompressionError`, `ScratchLimitExceeded`.
  public func open(_ path: FilePath) throws -> DirectFile {
    try open(DirectFile(reading: path))
  }

  /// The same for something that is open, which stays its owner's; `name` is for messages.
  public func open(_ descriptor: FileDescriptor, name: String) throws -> DirectFile {
    try open(Self.duplicate(descriptor, name: name, direct: false))
  }

  private func open(_ file: DirectFile) throws -> DirectFile {
    let isSeekable = try isSeekable(file)
    let source: any ByteSource =
      isSeekable
      ? try FileRange(whole: file).open() : DescriptorSource(file.fileDescriptor, name: file.path)
    let stored = BufferedSource(source)
    let compression = try Self.compression(of: stored)
    if compression == .none, isSeekable { return file }
    return try copy(compression.decompress(stored), name: file.path)
  }

  /// Whether it is a regular file that nobody has read the beginning of.
  private func isSeekable(_ file: DirectFile) throws(FileError) -> Bool {
    var status = stat()
    guard fstat(file.fileDescriptor.rawValue, &status) == 0 else {
      throw FileError("examine", file.path, Errno(rawValue: errno))
    }
    return status.st_mode & S_IFMT == S_IFREG && lseek(file.fileDescriptor.rawValue, 0, SEEK_CUR) == 0
  }

  /// How what begins there is compressed.
  ///
  /// A tar whose first member has a name like `BZh` is no bzip2, so a sound header counts more than the first bytes.
  public static func compression(of stored: BufferedSource) throws -> Compression {
    let start = Array(try stored.peek(TarHeader.blockSize).prefix(TarHeader.blockSize))
    if TarReader.isHeader(start) { return .none }
    return Compression(firstBytes: start)
  }

  private func copy(_ source: any ByteSource, name: String) throws -> DirectFile {
    let file = try NewFile(at: scratch.appending("archive")).file
    let allowed = try limit ?? freeByteCount(around: file)
    let writer = BlockWriter(file, pool: BlockPool(blockSize: 1 << 20, limit: 4))
    while try writer.append({ try source.read(into: $0) }).byteCount > 0 {
      if writer.position > allowed {
        throw ScratchLimitExceeded(name: name, scratch: scratch.string, limit: allowed)
      }
    }
    try writer.finish()
    // Messages speak of the archive, not of this file, which nobody can see.
    return try Self.duplicate(file.fileDescriptor, name: name, direct: true)
  }

  private static func duplicate(
    _ descriptor: FileDescriptor, name: String, direct: Bool
  ) throws(FileError) -> DirectFile {
    let raw = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 0)
    guard raw >= 0 else { throw FileError("read", name, Errno(rawValue: errno)) }
    return DirectFile(owning: FileDescriptor(rawValue: raw), path: name, direct: direct)
  }

  private func freeByteCount(around file: DirectFile) throws(FileError) -> Int64 {
    var status = statvfs()
    guard fstatvfs(file.fileDescriptor.rawValue, &status) == 0 else {
      throw FileError("examine", scratch.string, Errno(rawValue: errno))
    }
    return Int64(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
  }
}

/// An archive needs more room than there is for its decompressed bytes.
public struct ScratchLimitExceeded: Error, Hashable, CustomStringConvertible {
  /// The archive.
  public let name: String
  /// The directory for temporary files.
  public let scratch: String
  /// The allowed number of bytes.
  public let limit: Int64

  /// One line for people.
  public var description: String {
    "\(name) has more than \(limit) bytes when decompressed, which is all there may be in \(scratch); set TMPDIR to a larger place"
  }
}
