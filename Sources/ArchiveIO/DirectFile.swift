import Glibc
public import SystemPackage

/// A file that is read and written in large aligned blocks, around the page cache where that pays.
///
/// Fresh pages of the page cache cost more processor time here than hashing what goes into them (reference/speed.md: 2 GB
/// took 4.3 s of processor time buffered and 0.2 s directly). Where the file system cannot do direct I/O, or the
/// disk turns out slower than memory by far, writing goes through the page cache after all.
public final class DirectFile: Sendable {
  /// What offsets, sizes and memory must be a multiple of.
  public static let alignment = 4096
  /// Below this many bytes per second the page cache is the faster way to return to the user.
  private static let slowDisk: Double = 120e6

  /// The file's name in messages.
  public let path: String
  private let descriptor: Int32
  private let state: Monitor<State>

  private struct State {
    var isDirect: Bool
    /// A second descriptor, once there was a need for it.
    var cached: Int32 = -1
    var trialBytes = 0
    var trialSeconds = 0.0
  }

  /// Takes over an open descriptor, which is closed with the last use of this object.
  public init(owning descriptor: FileDescriptor, path: String, direct: Bool = true) {
    self.descriptor = descriptor.rawValue
    self.path = path
    let isDirect = direct && Self.set(__O_DIRECT, on: descriptor.rawValue)
    state = Monitor(State(isDirect: isDirect))
  }

  /// Opens a file for reading through the page cache.
  public convenience init(reading path: FilePath, followingLink: Bool = true) throws(FileError) {
    let flags = O_RDONLY | O_CLOEXEC | (followingLink ? 0 : O_NOFOLLOW)
    let descriptor = path.withPlatformString { open($0, flags) }
    guard descriptor >= 0 else { throw FileError("open", path.string, Errno(rawValue: errno)) }
    self.init(owning: FileDescriptor(rawValue: descriptor), path: path.string, direct: false)
  }

  /// Makes a file that only its owner may read and write, or empties the one that is there, through the page cache.
  public convenience init(creating path: FilePath) throws(FileError) {
    let flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
    let descriptor = Glibc.open(path.string, flags, 0o600)
    guard descriptor >= 0 else { throw FileError("create", path.string, Errno(rawValue: errno)) }
    self.init(owning: FileDescriptor(rawValue: descriptor), path: path.string, direct: false)
  }

  deinit {
    close(descriptor)
    state.read { if $0.cached >= 0 { close($0.cached) } }
  }

  /// Whether reads want aligned memory and offsets.
  var isDirect: Bool { state.read { $0.isDirect } }

  /// The open file.
  public var fileDescriptor: FileDescriptor { FileDescriptor(rawValue: descriptor) }

  /// Writes bytes whose memory is aligned as their place in the file is; neither they nor their end need be at a boundary.
  ///
  /// What lies between two boundaries is written directly and the rest through the page cache, so that nothing beside the bytes is
  /// touched and several threads may write neighbouring parts.
  func writeAligned(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
    let unit = Self.alignment
    let head = min(bytes.count, (unit - Int(offset % Int64(unit))) % unit)
    let middle = (bytes.count - head) / unit * unit
    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(rebasing: bytes[range])
    }
    try write(part(0..<head), at: offset)
    try writeBlocks(part(head..<(head + middle)), at: offset + Int64(head))
    try write(part((head + middle)..<bytes.count), at: offset + Int64(head + middle))
  }

  /// Writes whole blocks at a boundary.
  private func writeBlocks(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
    guard !bytes.isEmpty, state.read({ $0.isDirect }) else { return try write(bytes, at: offset) }
    let started = Self.seconds()
    let count = pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
    if count == bytes.count {
      note(count, seconds: Self.seconds() - started)
      return
    }
    // Some file systems accept the flag and refuse the write.
    if count < 0, errno == EINVAL { stopDirect() }
    try write(bytes, at: offset)
  }

  /// Writes any bytes anywhere, through the page cache.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) {
    let descriptor = try cachedDescriptor()
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw FileError("write", path, Errno(rawValue: errno)) }
      done += count
    }
  }

  /// A descriptor of the file that goes through the page cache.
  ///
  /// The flag belongs to the open file and not to the call, so direct and cached writes at the same time need two of them.
  private func cachedDescriptor() throws(FileError) -> Int32 {
    let (opened, failure) = state.update { state -> (Int32, Int32) in
      guard state.isDirect else { return (descriptor, 0) }
      let access = fcntl(descriptor, F_GETFL) & O_ACCMODE
      if state.cached < 0 { state.cached = open("/proc/self/fd/\(descriptor)", access | O_CLOEXEC) }
      return (state.cached, errno)
    }
    guard opened >= 0 else { throw FileError("open", path, Errno(rawValue: failure)) }
    return opened
  }

  /// Reads up to `bytes.count` bytes; 0 at the end.
  ///
  /// Offset and memory should be aligned: where they are not, direct I/O is over for this file.
  func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
    while true {
      let count = pread(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
      if count >= 0 { return count }
      if errno == EINTR { continue }
      guard errno == EINVAL, state.read({ $0.isDirect }) else {
        throw FileError("read", path, Errno(rawValue: errno))
      }
      stopDirect()
    }
  }

  /// The whole content, when it has at most `limit` bytes.
  ///
  /// - Throws: `FileError` with `fileTooLarge` otherwise.
  public func readAll(limit: Int) throws(FileError) -> [UInt8] {
    guard try byteCount() <= Int64(limit) else { throw FileError("read", path, .fileTooLarge) }
    var content = [UInt8](repeating: 0, count: limit)
    var done = 0
    while done < limit {
      let piece = content.withUnsafeMutableBytes { bytes in
        Result<Int, FileError> { () throws(FileError) in
          try read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[done...]), at: Int64(done))
        }
      }
      let count = try piece.get()
      if count == 0 { break }
      done += count
    }
    content.removeLast(limit - done)
    return content
  }

  /// Cuts the file to `byteCount` bytes.
  func truncate(to byteCount: Int64) throws(FileError) {
    while ftruncate(descriptor, off_t(byteCount)) != 0 {
      if errno != EINTR { throw FileError("truncate", path, Errno(rawValue: errno)) }
    }
  }

  /// The file's length in bytes.
  public func byteCount() throws(FileError) -> Int64 {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError("examine", path, Errno(rawValue: errno)) }
    return Int64(status.st_size)
  }

  private func note(_ byteCount: Int, seconds: Double) {
    let isSlow = state.update { state in
      state.trialBytes += byteCount
      state.trialSeconds += seconds
      guard state.trialBytes >= 64 << 20 else { return false }
      let rate = Double(state.trialBytes) / state.trialSeconds
      state.trialBytes = 0
      state.trialSeconds = 0
      return rate < Self.slowDisk
    }
    if isSlow { stopDirect() }
  }

  private func stopDirect() {
    state.update { $0.isDirect = false }
    _ = Self.clear(__O_DIRECT, on: descriptor)
  }

  private static func set(_ flag: Int32, on descriptor: Int32) -> Bool {
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | flag) == 0
  }

  private static func clear(_ flag: Int32, on descriptor: Int32) -> Bool {
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~flag) == 0
  }

  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
