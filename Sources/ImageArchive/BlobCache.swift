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
    try PrivateDirectory.create(directory)
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

    /// Removes the name.
    ///
    /// Readers may go on.
    public func remove() { if let path, spool.file.isNamed(path) { unlink(path.string) } }

    /// Gives the complete blob a name elsewhere: moved there if possible, copied otherwise.
    public func move(to destination: FilePath) throws {
      if let path, spool.file.isNamed(path), rename(path.string, destination.string) == 0 {
        let mode = NewFile.masked(FilePermissions(rawValue: 0o644)).rawValue
        fchmod(spool.file.fileDescriptor.rawValue, mode)
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
    // Only who holds the lock renames or removes the file; the one before may just have done so.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, file.isNamed(path) else {
      return try namelessEntry(digest.algorithm)
    }
    let spool = Spool(file: file, algorithm: digest.algorithm)
    try spool.adopt(completeByteCount: byteCount)
    return Entry(path: path, spool: spool)
  }

  /// An entry that belongs to no blob yet, for bytes that are made here.
  public func scratch() throws(FileError) -> Entry { try namelessEntry(.sha256) }

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

  private func removeOldFiles() {
    guard let listing = opendir(directory.string) else { return }
    defer { closedir(listing) }
    let now = time(nil)
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if Self.isOurs(name) { removeIfOld(directory.appending(name), now: now) }
    }
  }

  /// Whether a file of that name was made here: a blob, or the hidden name of one.
  private static func isOurs(_ name: String) -> Bool {
    let digest = name.split(separator: "-", maxSplits: 1).joined(separator: ":")
    return name.hasPrefix(".blob.cooper-") || (try? Digest(parsing: digest)) != nil
  }

  private func removeIfOld(_ path: FilePath, now: Int) {
    let descriptor = Glibc.open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      now - status.st_mtim.tv_sec > Self.maximumAge
    else { return }
    // An old file in use stays.
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path.string) }
  }
}

extension DirectFile {
  /// Whether `path` names this very file.
  fileprivate func isNamed(_ path: FilePath) -> Bool {
    var (own, named) = (stat(), stat())
    return fstat(fileDescriptor.rawValue, &own) == 0 && lstat(path.string, &named) == 0
      && own.st_dev == named.st_dev && own.st_ino == named.st_ino
  }
}
