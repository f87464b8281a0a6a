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
/// and two writers lose nothing. Until its end a writer also keeps `OCILayoutCollector` from removing what nothing names yet. Without
/// `commit` everything that was added is removed again.
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
    /// Directories that were made for them.
    var directories: [FilePath] = []
    /// Blobs that were there already and are part of what is being added.
    var found: Set<Digest> = []
    var isCommitted = false
    /// Keeps the blobs from being collected.
    var lock: LayoutLock?
  }

  /// Opens the layout at `path`, or begins a new one when nothing is there, or an empty directory.
  ///
  /// - Throws: `OCILayoutError.notALayout` when something else is there, and `FileError`.
  public init(at path: FilePath) throws {
    destination = path
    isNew = try Self.isFree(path)
    directory = isNew ? NewFile.temporaryPath(for: path) : path
    let lock = isNew ? nil : try LayoutLock.adding(to: path)
    firstIndex = isNew ? nil : try LayoutFile.read(directory.appending("index.json"))
    state.withLock { $0.lock = lock }
    // Said before anything is fetched for it.
    if let firstIndex { _ = try OCILayoutIndex.parse(firstIndex) }
    if isNew {
      try Self.createDirectory(directory)
      try LayoutFile.write(OCILayoutIndex.marker, to: directory.appending("oci-layout"))
    }
  }

  deinit { abandon() }

  /// Removes what was added, unless it was committed.
  ///
  /// Also happens when the writer is let go of, but that may be after the end of the program.
  public func abandon() {
    let (isOver, added, directories) = state.withLock { state in
      defer { state.isCommitted = true }
      return (state.isCommitted, state.added, state.directories)
    }
    if isOver { return }
    if isNew { Self.removeTree(directory) } else { remove(added, directories) }
    state.withLock { $0.lock = nil }
  }

  /// Removes what was added, unless somebody else has finished since: then it may be part of theirs, too.
  private func remove(_ blobs: Set<Digest>, _ directories: [FilePath]) {
    guard let lock = try? LayoutLock.index(of: directory) else { return }
    defer { withExtendedLifetime(lock) {} }
    guard let firstIndex, (try? LayoutFile.read(directory.appending("index.json"))) == firstIndex else {
      return
    }
    for blob in blobs { unlink(path(of: blob).string) }
    // Those that are not empty stay.
    for directory in directories.reversed() { rmdir(directory.string) }
  }

  /// The hidden directory of a layout that is being made, for whoever cleans up after a signal.
  public var temporaryDirectory: FilePath? { isNew ? directory : nil }

  /// Where the blob of that digest is, or will be.
  public func path(of digest: Digest) -> FilePath { LayoutFile.blob(digest, in: directory) }

  /// Runs `write` for a blob that is to be put here.
  private func put(_ digest: Digest, _ write: (FilePath) throws -> Void) throws {
    let path = path(of: digest)
    let folder = path.removingLastComponent()
    for directory in [folder.removingLastComponent(), folder] where try Self.createDirectory(directory) {
      state.withLock { $0.directories.append(directory) }
    }
    // What was there and is replaced is not ours to remove.
    let isAddition = access(path.string, F_OK) != 0
    try write(path)
    state.withLock { _ = isAddition ? $0.added.insert(digest) : $0.found.insert(digest) }
  }

  /// Whether the blob is there already, whole: its bytes are hashed.
  public func contains(_ digest: Digest) throws -> Bool {
    let path = path(of: digest)
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
    if try contains(digest) { return }
    try put(digest) { try LayoutFile.write(bytes, to: $0) }
  }

  /// Adds a blob, by moving its file or by reading it.
  ///
  /// - Throws: what reading throws, and `OCILayoutError.wrongSize` when the manifest gives another size: readers of layouts check it.
  public func add(_ content: any BlobContent, as descriptor: Descriptor, subject: String) throws {
    let found = try content.byteCount()
    guard descriptor.byteCount == found else {
      throw OCILayoutError.wrongSize(subject: subject, expected: descriptor.byteCount, found: found)
    }
    try put(descriptor.digest) { path in
      if let movable = content as? any MovableBlob { return try movable.move(to: path) }
      let file = try NewFile(at: path)
      let writer = BlockWriter(file.file, pool: BlockPool(blockSize: 1 << 20, limit: 4))
      let source = try content.open()
      while try writer.append({ try source.read(into: $0) }).byteCount > 0 {}
      try writer.finish()
      try file.commit()
    }
  }

  /// Enters `entry` in `index.json`, under `name` where there is one, then `referrers` without names, and makes everything final.
  public func commit(_ entry: Descriptor, name: String?, referrers: [Descriptor] = []) throws {
    if isNew {
      try LayoutFile.write(
        OCILayoutIndex.adding(entry, name: name, referrers: referrers, to: nil),
        to: directory.appending("index.json"))
      if rename(directory.string, destination.string) != 0 {
        // Somebody else has made a layout there meanwhile: then this one is added to it.
        guard errno == ENOTEMPTY || errno == EEXIST else {
          throw FileError("create", destination.string, Errno(rawValue: errno))
        }
        try enter(entry, name: name, referrers: referrers, in: destination)
        Self.removeTree(directory)
      }
    } else {
      try enter(entry, name: name, referrers: referrers, in: directory)
    }
    state.withLock { state in
      state.isCommitted = true
      state.lock = nil
    }
  }

  /// Adds to the index of a layout that others may be adding to as well, and moves blobs there that are not in it yet.
  private func enter(
    _ entry: Descriptor, name: String?, referrers: [Descriptor], in layout: FilePath
  ) throws {
    let adding = layout == directory ? nil : try LayoutLock.adding(to: layout)
    let lock = try LayoutLock.index(of: layout)
    defer { withExtendedLifetime((adding, lock)) {} }
    for digest in state.withLock({ $0.found.union($0.added) }) {
      let path = LayoutFile.blob(digest, in: layout)
      if layout != directory {
        try Self.createDirectory(path.removingLastComponent().removingLastComponent())
        try Self.createDirectory(path.removingLastComponent())
        rename(self.path(of: digest).string, path.string)
      }
      // Somebody else who failed may have removed what they had added.
      guard access(path.string, F_OK) == 0 else {
        throw FileError("find", path.string, Errno(rawValue: errno))
      }
    }
    let index = layout.appending("index.json")
    try LayoutFile.write(
      OCILayoutIndex.adding(entry, name: name, referrers: referrers, to: LayoutFile.read(index)), to: index)
  }

  // MARK: Files

  /// Removes a directory with everything in it.
  ///
  /// Links are removed, not followed.
  public static func removeTree(_ path: FilePath) { OpenDirectory.removeTree(path) }

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
      let marker = String(decoding: try LayoutFile.read(path.appending("oci-layout")), as: UTF8.self)
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

  /// Makes a directory unless it is there; true when it was not.
  @discardableResult
  private static func createDirectory(_ path: FilePath) throws(FileError) -> Bool {
    if mkdir(path.string, 0o755) == 0 { return true }
    guard errno == EEXIST else {
      throw FileError("create the directory", path.string, Errno(rawValue: errno))
    }
    return false
  }
}
