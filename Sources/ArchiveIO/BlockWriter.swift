import Glibc
import SystemPackage

/// Writes a file from front to back in large blocks, on a thread of its own.
///
/// The producer fills the memory that goes to the disk, so nothing is copied between inflating and writing; the same memory is
/// lent to hashers meanwhile. Earlier places may be patched, and the end taken back.
public final class BlockWriter {
  /// Where the next byte goes, in bytes from the beginning of the file.
  public private(set) var position: Int64
  private let file: DirectFile
  private let pool: BlockPool
  private let worker = Worker()
  private var block: Block?
  /// Where this writer's part of `block` begins; what is before belongs to somebody else.
  private var blockStart = 0
  private var patches: [(offset: Int64, bytes: [UInt8])] = []

  /// Writes to `file` from `position` on, with memory of `pool`.
  public init(_ file: DirectFile, pool: BlockPool, at position: Int64 = 0) {
    self.file = file
    self.pool = pool
    self.position = position
    blockStart = Int(position % Int64(pool.blockSize))
  }

  private var offsetInBlock: Int { Int(position % Int64(pool.blockSize)) }

  /// Lets `fill` write into the space after `position`, and takes as many bytes as it returns.
  ///
  /// - Returns: the part of a block that was filled; it stays readable as long as it is kept.
  @discardableResult
  public func append(_ fill: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> FilledPart {
    let current = block ?? pool.take()
    block = current
    let start = offsetInBlock
    let count = try fill(UnsafeMutableRawBufferPointer(rebasing: current.bytes[start...]))
    position += Int64(count)
    if start + count == pool.blockSize {
      try submit(current, upTo: pool.blockSize)
      block = nil
      blockStart = 0
    }
    return FilledPart(block: current, range: start..<(start + count))
  }

  /// Appends bytes that are in memory already.
  public func append(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try append(copying: $0) } }

  /// Appends bytes of another block.
  public func append(_ part: FilledPart) throws {
    try append(copying: UnsafeRawBufferPointer(rebasing: part.block.bytes[part.range]))
  }

  private func append(copying bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while !rest.isEmpty {
      try append { space in
        let count = min(rest.count, space.count)
        space.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        return count
      }
    }
  }

  /// Appends zeros up to the next multiple of `unit`.
  public func pad(to unit: Int) throws {
    let excess = Int(position % Int64(unit))
    if excess > 0 { try append([UInt8](repeating: 0, count: unit - excess)) }
  }

  /// Puts `bytes` at an earlier place.
  public func patch(_ bytes: [UInt8], at offset: Int64) {
    precondition(offset + Int64(bytes.count) <= position)
    patches.append((offset, bytes))
  }

  /// Goes on at `offset`: takes back what is behind it, or goes behind what others wrote.
  public func seek(to offset: Int64) throws {
    try flush()
    position = offset
    block = nil
    blockStart = offsetInBlock
  }

  /// Waits until everything up to here can be read from the file, patches included.
  public func flush() throws {
    if let block { try submit(block, upTo: offsetInBlock) }
    try worker.finish()
    for patch in patches { try patch.bytes.withUnsafeBytes { try file.write($0, at: patch.offset) } }
    if let block {
      // The block in memory may hold a place that was patched in the file only.
      let start = position - Int64(offsetInBlock)
      for patch in patches where patch.offset + Int64(patch.bytes.count) > start {
        for (index, byte) in patch.bytes.enumerated() where patch.offset + Int64(index) >= start {
          block.bytes[Int(patch.offset + Int64(index) - start)] = byte
        }
      }
    }
    patches.removeAll()
  }

  /// Forgets what has not been written, and returns when nothing is being written any more.
  ///
  /// After an error, before somebody else writes to the same place.
  public func abandon() {
    worker.reset()
    patches.removeAll()
    block = nil
  }

  /// Ends the file here.
  public func finish() throws {
    try flush()
    try file.truncate(to: position)
    block = nil
  }

  private func submit(_ block: Block, upTo end: Int) throws {
    let file = file
    let start = blockStart
    let offset = (position - 1) / Int64(pool.blockSize) * Int64(pool.blockSize) + Int64(start)
    guard end > start else { return }
    try worker.submit {
      try file.writeAligned(UnsafeRawBufferPointer(rebasing: block.bytes[start..<end]), at: offset)
    }
  }
}

/// Bytes that were written into a block.
public struct FilledPart: Sendable {
  let block: Block
  let range: Range<Int>

  /// The number of bytes.
  public var byteCount: Int { range.count }

  /// The bytes, valid during the call.
  public func withBytes<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
    try body(UnsafeRawBufferPointer(rebasing: block.bytes[range]).bytes)
  }
}

extension Block {
  /// Fills the block from the aligned place before `offset`, and gives the part from `offset` on, up to `end`.
  ///
  /// - Throws: `FileError` when the file ends before.
  public func read(from file: DirectFile, at offset: Int64, upTo end: Int64) throws(FileError) -> FilledPart {
    let skipped = Int(offset % Int64(DirectFile.alignment))
    let count = try file.read(into: bytes, at: offset - Int64(skipped))
    guard count > skipped else { throw FileError("read", file.path, .ioError) }
    return FilledPart(block: self, range: skipped..<min(count, skipped + Int(end - offset)))
  }
}
