/// Reads a spool from its first byte on, while it is being filled or later.
///
/// The file has no readahead of the kernel's when it is read directly, so the block behind the one that is wanted is read meanwhile.
public final class SpoolReader: ByteSource {
  private let spool: Spool
  private let generation: Int
  private var position: Int64 = 0
  /// What `position` lies in, and the memory that holds it.
  private var held: Range<Int64> = 0..<0
  private var heldBlock: Block?
  private let pool = BlockPool(blockSize: Spool.blockSize, limit: 2)
  /// What is being read of the block at `start`.
  private var ahead: (start: Int64, block: Promise<FilledPart>)?
  private let reading = Worker()

  fileprivate enum Place {
    case end
    case memory(Block, upTo: Int64)
    case file(upTo: Int64)
  }

  init(_ spool: Spool) {
    self.spool = spool
    generation = spool.state.read { $0.generation }
  }

  /// Nobody may find the file in use afterwards.
  deinit { try? reading.finish() }

  /// See `ByteSource`.
  ///
  /// - Throws: `SpoolRestarted` when bytes that were read before turned out wrong, and the error that ended the spool.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if !held.contains(position) {
      guard try load() else { return 0 }
    }
    guard let heldBlock else { return 0 }
    let start = Int(position % Int64(Spool.blockSize))
    let count = min(buffer.count, Int(held.upperBound - position))
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: heldBlock.bytes[start..<(start + count)]))
    position += Int64(count)
    return count
  }

  /// Gets hold of the block at `position`; false at the end.
  private func load() throws -> Bool {
    heldBlock = nil
    let blockStart = position / Int64(Spool.blockSize) * Int64(Spool.blockSize)
    switch try place() {
    case .end: return false
    case .memory(let block, let end):
      heldBlock = block
      held = blockStart..<end
    case .file(let end):
      let part = try takeAhead(from: blockStart, upTo: end)
      guard spool.state.read({ $0.generation == generation }) else { throw SpoolRestarted() }
      heldBlock = part.block
      held = blockStart..<(blockStart + Int64(part.byteCount))
      readAhead(from: blockStart + Int64(Spool.blockSize))
    }
    return held.contains(position)
  }

  /// The bytes of a block that is in the file up to `end`.
  private func takeAhead(from start: Int64, upTo end: Int64) throws -> FilledPart {
    let known = ahead
    ahead = nil
    if let known {
      let part = try known.block.value()
      if known.start == start, start + Int64(part.byteCount) >= end { return part }
    }
    return try Self.read(spool.file, into: pool.take(), from: start, upTo: end)
  }

  /// Begins to read the block at `start` when it is all in the file, and there alone.
  private func readAhead(from start: Int64) {
    let end = spool.state.read { state -> Int64? in
      let end = min(state.received, start + Int64(Spool.blockSize))
      let isWhole = end == start + Int64(Spool.blockSize) || state.ending != nil
      let isInMemory = state.blocks.contains { $0.index == start / Int64(Spool.blockSize) }
      return end > start && end <= state.written && isWhole && !isInMemory ? end : nil
    }
    guard let end else { return }
    let (block, promise, file) = (pool.take(), Promise<FilledPart>(), spool.file)
    ahead = (start, promise)
    do {
      try reading.submit {
        promise.fulfil(Result { try Self.read(file, into: block, from: start, upTo: end) })
      }
    } catch { ahead = nil }
  }

  private static func read(
    _ file: DirectFile, into block: Block, from start: Int64, upTo end: Int64
  ) throws -> FilledPart {
    var count = 0
    while count < Int(end - start) {
      let space = UnsafeMutableRawBufferPointer(rebasing: block.bytes[count...])
      let more = try file.read(into: space, at: start + Int64(count))
      if more == 0 { break }
      count += more
    }
    return FilledPart(block: block, range: 0..<min(count, Int(end - start)))
  }

  private func place() throws -> Place {
    let size = Int64(Spool.blockSize)
    return try spool.state.wait { state -> Place? in
      guard state.generation == generation else { throw SpoolRestarted() }
      if case .failed(let error) = state.ending { throw error }
      let index = position / size
      let end = min(state.received, (index + 1) * size)
      if position >= state.received { return state.ending == nil ? nil : .end }
      if let block = state.blocks.first(where: { $0.index == index })?.block {
        return .memory(block, upTo: end)
      }
      if let current = state.current, index == state.received / size { return .memory(current, upTo: end) }
      return min(end, state.written) > position ? .file(upTo: min(end, state.written)) : nil
    }
  }
}
