import Glibc
public import SystemPackage

/// A directory that is open, so that what is in it is reached without walking down a path again, and without following links.
public final class OpenDirectory: Sendable {
  /// The path, for messages.
  public let path: String
  private let descriptor: Int32
  /// `AT_EMPTY_PATH`, which is behind a macro that Swift does not set.
  private static let emptyPath: Int32 = 0x1000

  private init(_ descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Opens the directory at `path`, which may be reached through links.
  public convenience init(_ path: FilePath) throws(FileError) {
    let descriptor = path.withPlatformString { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw FileError("open", path.string, Errno(rawValue: errno)) }
    self.init(descriptor, path: path.string)
  }

  deinit { close(descriptor) }

  /// The names in it but `.` and `..`, in no order.
  public func names() throws(FileError) -> [[UInt8]] {
    let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = fdopendir(copy) else { throw failure("list", nil) }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
    }
    guard errno == 0 else { throw failure("list", nil) }
    return names
  }

  /// What `name` is; links are not followed.
  ///
  /// The empty name is the directory itself.
  public func status(of name: [UInt8]) throws(FileError) -> FileStatus {
    var status = stat()
    let result = Self.withCString(name) {
      fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW | Self.emptyPath)
    }
    guard result == 0 else { throw failure("examine", name) }
    return FileStatus(status)
  }

  /// What the symbolic link `name` says.
  public func target(of name: [UInt8], byteCount: Int64) throws(FileError) -> [UInt8] {
    // Some file systems say 0 for every link.
    let capacity = byteCount > 0 ? Int(byteCount) + 1 : Int(PATH_MAX)
    var count = 0
    let target = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, initialized in
      count = Self.withCString(name) {
        readlinkat(descriptor, $0, buffer.baseAddress.unsafelyUnwrapped, capacity)
      }
      initialized = max(0, count)
    }
    guard count >= 0, count < capacity else { throw failure("read the link", name) }
    return target
  }

  /// Opens the directory `name`, not through a link.
  public func directory(_ name: [UInt8]) throws(FileError) -> OpenDirectory {
    OpenDirectory(try open(name, O_DIRECTORY), path: path(of: name))
  }

  /// Opens the directory that a path of names leads to from here, through no link; an empty path is this one.
  public func directory(at path: some Sequence<UInt8>) throws(FileError) -> OpenDirectory {
    var found = self
    for name in Array(path).split(separator: UInt8(ascii: "/")) { found = try found.directory(Array(name)) }
    return found
  }

  /// Opens the file `name` for reading, not through a link.
  public func file(_ name: [UInt8]) throws(FileError) -> OpenFile {
    // A pipe that somebody put there meanwhile must not stop us.
    OpenFile(try open(name, O_NONBLOCK), path: path(of: name))
  }

  private func open(_ name: [UInt8], _ flags: Int32) throws(FileError) -> Int32 {
    let opened = Self.withCString(name) {
      openat(descriptor, $0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags)
    }
    guard opened >= 0 else { throw failure("open", name) }
    return opened
  }

  func failure(_ operation: String, _ name: [UInt8]?) -> FileError {
    let reason = Errno(rawValue: errno)
    return FileError(operation, name.map { path(of: $0) } ?? path, reason)
  }

  func path(of name: [UInt8]) -> String {
    name.isEmpty ? path : path + "/" + String(decoding: name, as: UTF8.self)
  }

  /// The descriptor's number.
  var number: Int32 { descriptor }

  /// Calls `body` with the directory's descriptor and a name in it.
  func withName(_ name: [UInt8], _ body: (Int32, UnsafePointer<CChar>) -> Int32) -> Int32 {
    Self.withCString(name) { body(descriptor, $0) }
  }

  static func withCString<Result>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (name + [0]).withUnsafeBytes {
      body($0.assumingMemoryBound(to: CChar.self).baseAddress.unsafelyUnwrapped)
    }
  }
}

/// A file that is open for reading from its beginning.
public final class OpenFile: Sendable {
  /// The path, for messages.
  public let path: String
  let descriptor: Int32

  init(_ descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  /// Reads at an offset, wherever it stands; 0 at the end.
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
  ) throws(FileError) -> Int {
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
      if count >= 0 { return count }
      if errno != EINTR { throw FileError("read", path, Errno(rawValue: errno)) }
    }
  }

  /// Reads on; 0 at the end.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno != EINTR { throw FileError("read", path, Errno(rawValue: errno)) }
    }
  }
}
