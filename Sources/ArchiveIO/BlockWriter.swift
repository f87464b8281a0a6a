import Glibc
import SystemPackage

/// Writes a file from front to back in large blocks, on a thread of its own.
///
/// The producer fills the memory that goes to the disk, so nothing is copied between inflating and writing; the same memory is
/// lent to hashers meanwhile. Earlier places may be patched, and the end taken back.
public final class BlockWriter {
  /// The number of bytes that were appended and not taken back.
  public private(set) var position: Int64 = 0
  private let file: DirectFile
  private let pool: BlockPool
  private let worker = Worker()
  private var block: Block?
  private var patches: [(offset: Int64, bytes: [UInt8])] = []

  /// Writes to `file` from its beginning, with memory of `pool`.
  public init(_ file: DirectFile, pool: BlockPool) {
    self.file = file
    self.pool = pool
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
      block = nil
      try submit(current, at: position - Int64(pool.blockSize), count: pool.blockSize)
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

  /// Takes back everything from `offset` on.
  public func rewind(to offset: Int64) throws {
    precondition(offset <= position)
    try flush()
    patches.removeAll { $0.offset >= offset }
    position = offset
    block = nil
    guard offsetInBlock > 0 else { return }
    let current = pool.take()
    let start = offset - Int64(offsetInBlock)
    var count = 0
    while count < offsetInBlock {
      let space = UnsafeMutableRawBufferPointer(rebasing: current.bytes[count...])
      let more = try file.read(into: space, at: start + Int64(count))
      if more == 0 { break }
      count += more
    }
    block = current
  }

  /// Waits until everything up to here can be read from the file, patches included.
  public func flush() throws {
    if let block { try submit(block, at: position - Int64(offsetInBlock), count: offsetInBlock) }
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

  /// Ends the file here.
  public func finish() throws {
    try flush()
    try file.truncate(to: position)
    block = nil
  }

  private func submit(_ block: Block, at offset: Int64, count: Int) throws {
    let file = file
    try worker.submit {
      try file.writeAligned(UnsafeRawBufferPointer(rebasing: block.bytes[..<count]), at: offset)
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
