public import ArchiveIO
import Glibc
public import Hashing
public import SystemPackage

/// The directory where blobs are kept while an image is being fetched, so that an interrupted pull goes on where it stopped.
///
/// A blob is a file `sha256-<hex>`, which is never believed: whatever it contains is hashed again. Files of a pull that ended well are
/// removed by it, and files that nobody touched for two weeks by anybody who comes by.
public struct BlobCache: Sendable {
  private static let maximumAge = 14 * 24 * 60 * 60

  /// The directory.
  public let directory: FilePath
  /// Where blobs go that cannot be in the directory.
  private let fallback: FilePath
  private let isPersistent: Bool

  private init(directory: FilePath, fallback: FilePath, isPersistent: Bool) {
    self.directory = directory
    self.fallback = fallback
    self.isPersistent = isPersistent
  }

  /// A place that keeps nothing from one process to the next: its files have no names.
  public static func nameless(in directory: FilePath) -> BlobCache {
    BlobCache(directory: directory, fallback: directory, isPersistent: false)
  }

  /// Opens or creates the directory, readable by its owner only, and removes what is too old.
  ///
  /// A blob whose file there cannot be used goes into a file without a name in `fallback`.
  public init(at directory: FilePath, fallback: FilePath) throws(FileError) {
    self.init(directory: directory, fallback: fallback, isPersistent: true)
    try Self.createDirectories(directory)
    removeOldFiles()
  }

  /// A blob's file in the cache.
  public final class Entry: Sendable {
    /// The file's name, or nil when it has none because another process is fetching the same blob.
    public let path: FilePath?
    /// Where the bytes go and come from.
    public let spool: Spool

    init(path: FilePath?, spool: Spool) {
      self.path = path
      self.spool = spool
    }

    /// Removes the name. Readers may go on.
    public func remove() { if let path { unlink(path.string) } }

    /// Gives the complete blob a name elsewhere: moved there if possible, copied otherwise.
    public func move(to destination: FilePath) throws {
      if let path, rename(path.string, destination.string) == 0 {
        chmod(destination.string, 0o644)
        return
      }
      let copy = try NewFile(at: destination)
      let writer = BlockWriter(copy.file, pool: BlockPool(blockSize: 1 << 20, limit: 4))
      let source = spool.makeReader()
      while try writer.append({ try source.read(into: $0) }).byteCount > 0 {}
      try writer.finish()
      try copy.commit()
      remove()
    }
  }

  /// The entry for `digest`, with whatever an earlier process left of it, hashed.
  ///
  /// `byteCount` is the size of the blob, or nil when it is not known. Reads the whole partial file, so it may take a while.
  public func entry(for digest: Digest, byteCount: Int64?) throws -> Entry {
    guard isPersistent else { return try namelessEntry(digest.algorithm) }
    let path = directory.appending("\(digest.algorithm.rawValue)-\(digest.hex)")
    let descriptor = Glibc.open(path.string, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    // Something else is in its place, or the directory is not ours to write to.
    guard descriptor >= 0 else { return try namelessEntry(digest.algorithm) }
    let file = DirectFile(owning: FileDescriptor(rawValue: descriptor), path: path.string)
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, Self.hasName(path, descriptor) else {
      return try namelessEntry(digest.algorithm)
    }
    let spool = Spool(file: file, algorithm: digest.algorithm)
    try spool.adopt(completeByteCount: byteCount)
    return Entry(path: path, spool: spool)
  }

  /// An entry that belongs to no blob yet, for bytes that are made here.
  public func scratch() throws(FileError) -> Entry { try namelessEntry(.sha256) }

  /// Whether the open file still has its name: the process that held the lock before may have removed or moved it.
  private static func hasName(_ path: FilePath, _ descriptor: Int32) -> Bool {
    var (opened, named) = (stat(), stat())
    guard fstat(descriptor, &opened) == 0, lstat(path.string, &named) == 0 else { return false }
    return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
  }

  /// An entry that no other process can see and that vanishes with this one.
  private func namelessEntry(_ algorithm: DigestAlgorithm) throws(FileError) -> Entry {
    let file: DirectFile
    do throws(FileError) {
      file = try NewFile(at: directory.appending("blob")).file
    } catch {
      file = try NewFile(at: fallback.appending("blob")).file
    }
    return Entry(path: nil, spool: Spool(file: file, algorithm: algorithm))
  }

  private static func createDirectories(_ path: FilePath) throws(FileError) {
    if mkdir(path.string, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, !path.removingLastComponent().isEmpty else {
      throw FileError("create the directory", path.string, Errno(rawValue: errno))
    }
    try createDirectories(path.removingLastComponent())
    guard mkdir(path.string, 0o700) == 0 || errno == EEXIST else {
      throw FileError("create the directory", path.string, Errno(rawValue: errno))
    }
  }

  private func removeOldFiles() {
    guard let listing = opendir(directory.string) else { return }
    defer { closedir(listing) }
    let now = time(nil)
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.contains("-") else { continue }
      let path = directory.appending(name).string
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      if now - status.st_mtim.tv_sec > Self.maximumAge { unlink(path) }
    }
  }
}
