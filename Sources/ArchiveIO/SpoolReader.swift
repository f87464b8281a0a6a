/// Reads a spool from its first byte on, while it is being filled or later.
public final class SpoolReader: ByteSource {
  private let spool: Spool
  private let generation: Int
  private var position: Int64 = 0
  /// What `position` lies in, and the memory that holds it.
  private var held: Range<Int64> = 0..<0
  private var heldBlock: Block?
  private let pool = BlockPool(blockSize: Spool.blockSize, limit: 1)

  fileprivate enum Place {
    case end
    case memory(Block, upTo: Int64)
    case file(upTo: Int64)
  }

  init(_ spool: Spool) {
    self.spool = spool
    generation = spool.state.read { $0.generation }
  }

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
      let block = pool.take()
      var count = 0
      while count < Int(end - blockStart) {
        let space = UnsafeMutableRawBufferPointer(rebasing: block.bytes[count...])
        let more = try spool.file.read(into: space, at: blockStart + Int64(count))
        if more == 0 { break }
        count += more
      }
      guard spool.state.read({ $0.generation == generation }) else { throw SpoolRestarted() }
      heldBlock = block
      held = blockStart..<min(end, blockStart + Int64(count))
    }
    return held.contains(position)
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
