public import SystemPackage

/// Bytes in order, read by one thread, which waits when there are none yet.
public protocol ByteSource: AnyObject {
  /// Fills the beginning of `buffer`, which is not empty, and returns how many bytes that were; 0 only at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

extension ByteSource {
  /// Fills all of `buffer` unless the end comes first, and returns how many bytes that were.
  public func readFully(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var count = 0
    while count < buffer.count {
      let more = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
      if more == 0 { break }
      count += more
    }
    return count
  }

  /// Writes everything that is left to `file`, through memory of the caller's, and returns how many bytes that were.
  ///
  /// - Throws: `Errno` when writing fails; what reading throws.
  @discardableResult
  public func copy(to file: FileDescriptor, through buffer: UnsafeMutableRawBufferPointer) throws -> Int64 {
    var byteCount: Int64 = 0
    while true {
      let count = try read(into: buffer)
      if count == 0 { return byteCount }
      try file.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      byteCount += Int64(count)
    }
  }
}

/// Bytes that are in memory already.
public final class ArraySource: ByteSource {
  private var rest: ArraySlice<UInt8>

  /// A source of `bytes`.
  public init(_ bytes: [UInt8]) { rest = bytes[...] }

  /// See `ByteSource`.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let piece = rest.prefix(buffer.count)
    piece.withUnsafeBytes { buffer.copyMemory(from: $0) }
    rest = rest.dropFirst(piece.count)
    return piece.count
  }
}

/// A source with a window of its next bytes, for readers that look ahead or take input in large pieces.
public final class BufferedSource: ByteSource {
  private let source: any ByteSource
  private let buffer: UnsafeMutableRawBufferPointer
  private var filled: Range<Int> = 0..<0
  private var ended = false

  /// A window of `capacity` bytes on `source`.
  public init(_ source: any ByteSource, capacity: Int = 256 * 1024) {
    self.source = source
    buffer = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { buffer.deallocate() }

  /// The next bytes, at least `count` of them unless the end is nearer.
  ///
  /// Valid until the next call.
  public func peek(_ count: Int) throws -> UnsafeRawBufferPointer {
    if filled.count < count, !ended {
      let rest = filled.count
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[filled]))
      filled = 0..<rest
      while filled.count < count, !ended { try fill() }
    }
    return UnsafeRawBufferPointer(rebasing: buffer[filled])
  }

  /// Goes on by `count` bytes, which were peeked at.
  public func skip(_ count: Int) { filled = (filled.lowerBound + count)..<filled.upperBound }

  /// See `ByteSource`.
  public func read(into output: UnsafeMutableRawBufferPointer) throws -> Int {
    if filled.isEmpty {
      if ended { return 0 }
      // Whoever wants little at a time gets it from the window: a decompressor has work to do for each call.
      if output.count >= buffer.count / 4 { return try readThrough(into: output) }
      filled = 0..<0
      try fill()
    }
    let count = min(filled.count, output.count)
    output.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[filled].prefix(count)))
    skip(count)
    return count
  }

  private func readThrough(into output: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try source.read(into: output)
    if count == 0 { ended = true }
    return count
  }

  private func fill() throws {
    let space = UnsafeMutableRawBufferPointer(rebasing: buffer[filled.upperBound...])
    let count = try source.read(into: space)
    if count == 0 { ended = true }
    filled = filled.lowerBound..<(filled.upperBound + count)
  }
}
