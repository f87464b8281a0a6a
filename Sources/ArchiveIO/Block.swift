import Glibc

/// A piece of memory that is aligned for direct I/O.
///
/// It is filled once, by one thread, and then only read: by a hasher, a writer, or both. When the last of them lets go
/// of it, the memory returns to the pool.
public final class Block: @unchecked Sendable {
  // Unchecked: the filling thread hands the block on through a lock and does not write to the handed part again.
  let bytes: UnsafeMutableRawBufferPointer
  private let pool: BlockPool

  fileprivate init(_ bytes: UnsafeMutableRawBufferPointer, of pool: BlockPool) {
    self.bytes = bytes
    self.pool = pool
  }

  deinit { pool.put(back: bytes) }
}

/// Blocks of one size, used again and again.
///
/// The limit is what bounds the memory of a pipeline: a stage that is ahead waits here for those behind it. Reuse matters
/// too, since memory fresh from the kernel costs more than inflating into it.
public final class BlockPool: Sendable {
  private struct State {
    var free: [UnsafeMutableRawBufferPointer] = []
    var allocated = 0
  }

  /// The size of each block in bytes, a multiple of 4096.
  public let blockSize: Int
  private let limit: Int
  private let state = Monitor(State())

  /// A pool of at most `limit` blocks of `blockSize` bytes.
  public init(blockSize: Int, limit: Int) {
    precondition(blockSize % DirectFile.alignment == 0)
    self.blockSize = blockSize
    self.limit = limit
  }

  deinit { state.update { state in state.free.forEach { $0.deallocate() } } }

  /// A block, as soon as there is one.
  public func take() -> Block {
    let bytes = state.wait { state -> UnsafeMutableRawBufferPointer? in
      if let bytes = state.free.popLast() { return bytes }
      guard state.allocated < limit else { return nil }
      state.allocated += 1
      return .allocate(byteCount: blockSize, alignment: DirectFile.alignment)
    }
    return Block(bytes, of: self)
  }

  fileprivate func put(back bytes: UnsafeMutableRawBufferPointer) { state.update { $0.free.append(bytes) } }
}
