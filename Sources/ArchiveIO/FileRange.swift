import Glibc
import SystemPackage

/// Some consecutive bytes of a file that is open.
public struct FileRange: Sendable {
  /// The file.
  public let file: DirectFile
  /// Where the bytes begin.
  public let offset: Int64
  /// How many there are.
  public let byteCount: Int64

  /// A part of `file`, which is not checked to have that many bytes.
  public init(_ file: DirectFile, offset: Int64, byteCount: Int64) {
    self.file = file
    self.offset = offset
    self.byteCount = byteCount
  }

  /// All bytes that `file` has now.
  public init(whole file: DirectFile) throws(FileError) {
    self.init(file, offset: 0, byteCount: try file.byteCount())
  }

  /// The bytes from the first one on.
  ///
  /// Small reads go through a window of `windowSize` bytes, a multiple of 4096.
  public func open(windowSize: Int = 1 << 20) -> FileRangeSource {
    FileRangeSource(self, windowSize: windowSize)
  }

  /// All bytes, when there are at most `limit`.
  ///
  /// - Throws: `FileError` with `fileTooLarge` otherwise.
  public func readAll(limit: Int) throws -> [UInt8] {
    guard byteCount <= Int64(limit) else { throw FileError("read", file.path, .fileTooLarge) }
    return try bytes(at: offset, count: Int(byteCount))
  }

  /// The first `count` bytes, fewer when there are not as many.
  public func prefix(_ count: Int) throws -> [UInt8] {
    try bytes(at: offset, count: Int(min(Int64(count), byteCount)))
  }

  /// The last `count` bytes, fewer when there are not as many.
  public func suffix(_ count: Int) throws -> [UInt8] {
    let length = min(Int64(count), byteCount)
    return try bytes(at: offset + byteCount - length, count: Int(length))
  }

  private func bytes(at offset: Int64, count: Int) throws -> [UInt8] {
    let source = FileRange(file, offset: offset, byteCount: Int64(count)).open(windowSize: 4096)
    var bytes = [UInt8](repeating: 0, count: count)
    _ = try bytes.withUnsafeMutableBytes { try source.readFully(into: $0) }
    return bytes
  }
}

/// Reads a range of a file, in large pieces and past what is skipped.
public final class FileRangeSource: SkippableSource {
  /// From this size on a read goes into the reader's own memory.
  private static let largeRead = 64 * 1024

  private let file: DirectFile
  private var position: Int64
  private let end: Int64
  private let window: UnsafeMutableRawBufferPointer
  /// The place in the file that `window` holds.
  private var held: Range<Int64> = 0..<0

  fileprivate init(_ range: FileRange, windowSize: Int) {
    file = range.file
    position = range.offset
    end = range.offset + range.byteCount
    window = .allocate(byteCount: windowSize, alignment: DirectFile.alignment)
  }

  deinit { window.deallocate() }

  /// See `ByteSource`.
  ///
  /// - Throws: `FileError` when the file has become shorter.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let wanted = Int(min(Int64(buffer.count), end - position))
    guard wanted > 0 else { return 0 }
    if !held.contains(position) {
      // Direct I/O wants aligned memory and offsets, which only the window has.
      if wanted >= Self.largeRead, !file.isDirect {
        return try readDirectly(UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
      }
      try load()
    }
    let count = min(wanted, Int(held.upperBound - position))
    let start = Int(position - held.lowerBound)
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: window[start..<(start + count)]))
    position += Int64(count)
    return count
  }

  private func readDirectly(_ buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    let count = try file.read(into: buffer, at: position)
    guard count > 0 else { throw FileError("read", file.path, .ioError) }
    position += Int64(count)
    return count
  }

  private func load() throws(FileError) {
    let start = position / Int64(DirectFile.alignment) * Int64(DirectFile.alignment)
    let count = try file.read(into: window, at: start)
    held = start..<(start + Int64(count))
    guard held.contains(position) else { throw FileError("read", file.path, .ioError) }
  }

  /// Goes forward without reading.
  public func skip(_ count: Int64) -> Int64 {
    let skipped = min(count, end - position)
    position += skipped
    return skipped
  }
}

extension FileRange {
  /// Whether another range has the same bytes.
  public func hasSameBytes(as other: FileRange) throws -> Bool {
    guard byteCount == other.byteCount else { return false }
    let sources = [self, other].map { BufferedSource($0.open()) }
    while true {
      let (left, right) = (try sources[0].peek(1), try sources[1].peek(1))
      let count = min(left.count, right.count)
      if count == 0 { return left.count == right.count }
      guard left.prefix(count).elementsEqual(right.prefix(count)) else { return false }
      sources.forEach { $0.skip(count) }
    }
  }
}
