import ArchiveIO
import Glibc
public import Hashing
public import OCIModel
import Synchronization
public import SystemPackage

/// Adds images to an OCI image layout in a directory.
///
/// A layout that does not exist yet is made under a hidden name and gets its own in the end. In one that exists, blobs appear under
/// their digests, each in one step, and `index.json` is replaced last, under a lock on the directory: what others read is complete at any time,
/// and two writers lose nothing. Without `commit` everything that was added is removed again.
public final class OCILayoutWriter: Sendable {
  private let destination: FilePath
  private let directory: FilePath
  private let isNew: Bool
  /// `index.json` as it was in the beginning.
  private let firstIndex: [UInt8]?
  private let state = Mutex(State())

  private struct State {
    /// Blobs that were put here.
    var added: Set<Digest> = []
    /// Blobs that were there already and are part of what is being added.
    var found: Set<Digest> = []
    var isCommitted = false
  }

  /// Opens the layout at `path`, or begins a new one when nothing is there, or an empty directory.
  ///
  /// - Throws: `OCILayoutError.notALayout` when something else is there, and `FileError`.
  public init(at path: FilePath) throws {
    destination = path
    isNew = try Self.isFree(path)
    directory = isNew ? NewFile.temporaryPath(for: path) : path
    firstIndex = isNew ? nil : try? Self.read(directory.appending("index.json"))
    if isNew {
      try Self.createDirectory(directory)
      try write(OCILayoutIndex.marker, to: directory.appending("oci-layout"))
    }
    try Self.createDirectory(directory.appending("blobs"))
  }

  deinit { abandon() }

  /// Removes what was added, unless it was committed.
  ///
  /// Also happens when the writer is let go of, but that may be after the end of the program.
  public func abandon() {
    let added = state.withLock { state -> Set<Digest>? in
      defer { state.isCommitted = true }
      return state.isCommitted ? nil : state.added
    }
    guard let added else { return }
    if isNew { Self.removeTree(directory) } else { remove(added) }
  }

  /// Removes what was added, unless somebody else has finished since: then it may be part of theirs, too.
  private func remove(_ blobs: Set<Digest>) {
    guard let lock = try? Self.lock(directory) else { return }
    defer { close(lock) }
    guard let firstIndex, (try? Self.read(directory.appending("index.json"))) == firstIndex else { return }
    for blob in blobs { if let path = try? path(of: blob) { unlink(path.string) } }
  }

  /// Waits until nobody else is finishing.
  ///
  /// The lock ends with the descriptor.
  private static func lock(_ directory: FilePath) throws -> Int32 {
    let lock = Glibc.open(directory.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw FileError("open", directory.string, Errno(rawValue: errno)) }
    guard flock(lock, LOCK_EX) == 0 else {
      let reason = Errno(rawValue: errno)
      close(lock)
      throw FileError("lock", directory.string, reason)
    }
    return lock
  }

  /// The hidden directory of a layout that is being made, for whoever cleans up after a signal.
  public var temporaryDirectory: FilePath? { isNew ? directory : nil }

  /// Where the blob of that digest is, or will be.
  public func path(of digest: Digest) throws -> FilePath { try Self.path(of: digest, in: directory) }

  private static func path(of digest: Digest, in directory: FilePath) throws -> FilePath {
    try createDirectory(directory.appending("blobs"))
    let folder = directory.appending("blobs").appending(digest.algorithm.rawValue)
    try createDirectory(folder)
    return folder.appending(digest.hex)
  }

  /// Whether the blob is there already, whole: its bytes are hashed.
  public func contains(_ digest: Digest) throws -> Bool {
    let path = try path(of: digest)
    let descriptor = Glibc.open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return false }
    let spool = Spool(
      file: DirectFile(owning: FileDescriptor(rawValue: descriptor), path: path.string, direct: false),
      algorithm: digest.algorithm)
    try spool.adopt(completeByteCount: spool.file.byteCount())
    guard try spool.digest() == digest else { return false }
    state.withLock { _ = $0.found.insert(digest) }
    return true
  }

  /// Adds a small blob.
  public func add(_ bytes: [UInt8], digest: Digest) throws {
    let path = try path(of: digest)
    if try contains(digest) { return }
    try write(bytes, to: path)
    state.withLock { _ = $0.added.insert(digest) }
  }

  /// Adds a blob, by moving its file or by reading it.
  ///
  /// - Throws: what reading throws, and `OCILayoutError.wrongSize` when the manifest gives another size: readers of layouts check it.
  public func add(_ content: any BlobContent, as descriptor: Descriptor, subject: String) throws {
    let found = try content.byteCount()
    guard descriptor.byteCount == found else {
      throw OCILayoutError.wrongSize(subject: subject, expected: descriptor.byteCount, found: found)
    }
    let path = try path(of: descriptor.digest)
    if let movable = content as? any MovableBlob {
      try movable.move(to: path)
    } else {
      let file = try NewFile(at: path)
      let writer = BlockWriter(file.file, pool: BlockPool(blockSize: 1 << 20, limit: 4))
      let source = try content.open()
      while try writer.append({ try source.read(into: $0) }).byteCount > 0 {}
      try writer.finish()
      try file.commit()
    }
    state.withLock { _ = $0.added.insert(descriptor.digest) }
  }

  /// Enters `entry` in `index.json`, under `name` where there is one, and makes everything final.
  public func commit(_ entry: Descriptor, name: String?) throws {
    if isNew {
      try write(OCILayoutIndex.adding(entry, name: name, to: nil), to: directory.appending("index.json"))
      if rename(directory.string, destination.string) != 0 {
        // Somebody else has made a layout there meanwhile: then this one is added to it.
        guard errno == ENOTEMPTY || errno == EEXIST else {
          throw FileError("create", destination.string, Errno(rawValue: errno))
        }
        try enter(entry, name: name, in: destination)
        Self.removeTree(directory)
      }
    } else {
      try enter(entry, name: name, in: directory)
    }
    state.withLock { $0.isCommitted = true }
  }

  /// Adds to the index of a layout that others may be adding to as well, and moves blobs there that are not in it yet.
  private func enter(_ entry: Descriptor, name: String?, in layout: FilePath) throws {
    let lock = try Self.lock(layout)
    defer { close(lock) }
    for digest in state.withLock({ $0.found.union($0.added) }) {
      let path = try Self.path(of: digest, in: layout)
      if layout != directory { rename(try self.path(of: digest).string, path.string) }
      // Somebody else who failed may have removed what they had added.
      guard access(path.string, F_OK) == 0 else {
        throw FileError("find", path.string, Errno(rawValue: errno))
      }
    }
    let index = layout.appending("index.json")
    try write(OCILayoutIndex.adding(entry, name: name, to: Self.read(index)), to: index)
  }

  // MARK: Files

  private func write(_ bytes: [UInt8], to path: FilePath) throws {
    let file = try NewFile(at: path)
    let writer = BlockWriter(file.file, pool: BlockPool(blockSize: 64 * 1024, limit: 2))
    try writer.append(bytes)
    try writer.finish()
    try file.commit()
  }

  /// Removes a directory with everything in it.
  ///
  /// Links are removed, not followed.
  public static func removeTree(_ path: FilePath) {
    if let listing = opendir(path.string) {
      while let entry = readdir(listing) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name == "." || name == ".." { continue }
        let child = path.appending(name)
        var status = stat()
        if lstat(child.string, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
          removeTree(child)
        } else {
          unlink(child.string)
        }
      }
      closedir(listing)
    }
    rmdir(path.string)
  }

  /// Whether a new layout may be made there: nothing is there, or an empty directory.
  private static func isFree(_ path: FilePath) throws -> Bool {
    var status = stat()
    guard stat(path.string, &status) == 0 else {
      if errno == ENOENT { return true }
      throw FileError("examine", path.string, Errno(rawValue: errno))
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw OCILayoutError.notALayout("\(path) is no directory")
    }
    if access(path.appending("oci-layout").string, F_OK) == 0 {
      let marker = String(decoding: try read(path.appending("oci-layout")), as: UTF8.self)
      guard marker.contains("\"1.0.0\"") else {
        throw OCILayoutError.notALayout("\(path)/oci-layout does not say imageLayoutVersion 1.0.0")
      }
      return false
    }
    guard let listing = opendir(path.string) else {
      throw FileError("read", path.string, Errno(rawValue: errno))
    }
    defer { closedir(listing) }
    var count = 0
    while readdir(listing) != nil { count += 1 }
    guard count <= 2 else { throw OCILayoutError.notALayout("\(path) has files, but no oci-layout") }
    return true
  }

  private static func createDirectory(_ path: FilePath) throws(FileError) {
    guard mkdir(path.string, 0o755) == 0 || errno == EEXIST else {
      throw FileError("create the directory", path.string, Errno(rawValue: errno))
    }
  }

  private static func read(_ path: FilePath) throws -> [UInt8] {
    let descriptor = Glibc.open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw FileError("open", path.string, Errno(rawValue: errno)) }
    let file = DirectFile(owning: FileDescriptor(rawValue: descriptor), path: path.string, direct: false)
    return try file.readAll(limit: ManifestDocument.maximumByteCount)
  }
}
