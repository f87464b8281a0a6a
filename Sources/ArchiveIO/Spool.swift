public import Hashing

/// Bytes that arrive at one speed and are read at another, kept in a file in between.
///
/// The arriving side never waits for the reading side, so that a connection runs at its full speed, and what arrived survives the
/// process. A reader that keeps up is served from memory. Hashing and writing happen on a thread of the spool's own.
///
/// Memory: at most `blockLimit` blocks of `blockSize` bytes, and none once everything has arrived.
public final class Spool: Sendable {
  /// Bytes per block.
  public static let blockSize = 512 * 1024
  /// Full blocks that may wait for the disk; then the sender is asked to pause.
  private static let unstoredBlocks = 3
  /// Blocks that stay in memory after they were written, for a reader that is close behind.
  private static let keptBlocks = 2
  /// More than ever are in use: those above, the one being filled, one in each of two readers' hands, and one on its way back.
  private static let blockLimit = 10

  struct State {
    var received: Int64 = 0
    var current: Block?
    var blocks: [(index: Int64, block: Block)] = []
    var written: Int64 = 0
    var generation = 0
    var ending: Ending?
    var resume: (@Sendable () -> Void)?
    var isPaused = false
    /// Why bytes could not be stored; nobody may wait for room any more then.
    var failure: (any Error)?
  }

  enum Ending {
    case complete
    case failed(any Error)
  }

  private final class Hash: @unchecked Sendable {
    // Unchecked: only used by jobs of `worker`, one after another, and while it rests.
    var hasher: ContentHasher
    init(_ algorithm: DigestAlgorithm) { hasher = ContentHasher(algorithm) }
  }

  /// The file behind it.
  public let file: DirectFile
  let state = Monitor(State())
  private let pool = BlockPool(blockSize: Spool.blockSize, limit: Spool.blockLimit)
  private let worker = Worker()
  private let hash: Hash

  /// A spool in `file`, whose digest will be computed with `algorithm`.
  public init(file: DirectFile, algorithm: DigestAlgorithm) {
    self.file = file
    hash = Hash(algorithm)
  }

  /// The number of bytes that arrived, those of an adopted file included.
  public var receivedByteCount: Int64 { state.read { $0.received } }

  /// Goes on with what `file` contains: hashes it and makes it readable.
  ///
  /// Only whole blocks are taken, unless the file has `completeByteCount` bytes.
  public func adopt(completeByteCount: Int64?) throws {
    let found = try file.byteCount()
    let count = found == completeByteCount ? found : found / Int64(Self.blockSize) * Int64(Self.blockSize)
    var done: Int64 = 0
    while done < count {
      let block = pool.take()
      let piece = try file.read(into: block.bytes, at: done)
      if piece == 0 { break }
      hash.hasher.update(
        UnsafeRawBufferPointer(rebasing: block.bytes[..<min(piece, Int(count - done))]).bytes)
      done += Int64(piece)
    }
    if done != count { return try restart() }
    state.update { state in
      state.received = count
      state.written = count
    }
  }

  /// Has `resume` called when there is room again after `receive` had returned false.
  public func setResumption(_ resume: @escaping @Sendable () -> Void) { state.update { $0.resume = resume } }

  /// Takes the next bytes, all or none; false means that the disk is behind.
  ///
  /// - Throws: the error of an earlier write; then only `restart` makes it take bytes again.
  public func receive(_ bytes: RawSpan) throws -> Bool {
    let isBehind = try state.update { state in
      if let failure = state.failure { throw failure }
      let unstored = state.blocks.count { ($0.index + 1) * Int64(Self.blockSize) > state.written }
      state.isPaused = unstored >= Self.unstoredBlocks
      return state.isPaused
    }
    if isBehind { return false }
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let (received, current) = state.read { ($0.received, $0.current) }
        let block = current ?? pool.take()
        let start = Int(received % Int64(Self.blockSize))
        let count = min(rest.count, Self.blockSize - start)
        UnsafeMutableRawBufferPointer(rebasing: block.bytes[start...])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        try advance(by: count, in: block)
      }
    }
    return true
  }

  private func advance(by count: Int, in block: Block) throws {
    let full = try state.update { state -> Int64? in
      if let failure = state.failure { throw failure }
      let index = state.received / Int64(Self.blockSize)
      state.received += Int64(count)
      let isFull = state.received % Int64(Self.blockSize) == 0
      state.current = isFull ? nil : block
      if isFull { state.blocks.append((index, block)) }
      return isFull ? index : nil
    }
    guard let index = full else { return }
    try worker.submit { [self] in
      do { try store(block, count: Self.blockSize, index: index) } catch {
        giveUp(error)
        throw error
      }
      release()
    }
  }

  private func store(_ block: Block, count: Int, index: Int64) throws {
    let bytes = UnsafeRawBufferPointer(rebasing: block.bytes[..<count])
    hash.hasher.update(bytes.bytes)
    let offset = index * Int64(Self.blockSize)
    try file.writeAligned(bytes, at: offset)
    state.update { $0.written = offset + Int64(count) }
  }

  /// Lets go of blocks that are in the file, and wakes the sender when it waits for them.
  private func release() {
    let resume = state.update { state -> (@Sendable () -> Void)? in
      let stored = state.blocks.prefix { ($0.index + 1) * Int64(Self.blockSize) <= state.written }.count
      state.blocks.removeFirst(max(0, stored - Self.keptBlocks))
      guard state.isPaused else { return nil }
      state.isPaused = false
      return state.resume
    }
    resume?()
  }

  /// Frees the memory, for which the sender may be waiting in the middle of a large piece, and has it come back for the error.
  private func giveUp(_ error: any Error) {
    state.update { state in
      state.failure = error
      state.blocks = []
    }
    release()
  }

  /// Stores what is still in memory, and gives the digest of all bytes.
  ///
  /// The bytes count as unchecked until `complete` is called.
  public func digest() throws -> Digest {
    let (current, received) = state.read { ($0.current, $0.received) }
    if let current {
      let index = received / Int64(Self.blockSize)
      try worker.submit { [self] in
        try store(current, count: Int(received % Int64(Self.blockSize)), index: index)
      }
    }
    try worker.finish()
    // A file that was only read, as in a layout, may not be writable.
    if try file.byteCount() != received { try file.truncate(to: received) }
    return hash.hasher.copy().finalize()
  }

  /// Says that the bytes are all there and are the right ones.
  public func complete() { end(.complete) }

  /// Says that no more bytes will come; readers get `error`.
  public func fail(_ error: any Error) { end(.failed(error)) }

  private func end(_ ending: Ending) {
    worker.stop()
    state.update { state in
      guard state.ending == nil else { return }
      state.ending = ending
      state.current = nil
      state.blocks = []
    }
  }

  /// Forgets all bytes.
  ///
  /// Readers get `SpoolRestarted`.
  public func restart() throws {
    worker.reset()
    hash.hasher = ContentHasher(hash.hasher.algorithm)
    state.update { state in
      state.received = 0
      state.written = 0
      state.current = nil
      state.blocks = []
      state.generation += 1
      state.isPaused = false
      state.failure = nil
    }
    try file.truncate(to: 0)
  }

  /// Blocks until all bytes are there and checked.
  public func waitUntilComplete() throws {
    try state.wait { state -> Void? in
      switch state.ending {
      case .complete: ()
      case .failed(let error): throw error
      case nil: nil
      }
    }
  }

  /// The last `count` bytes, fewer when there are not as many.
  public func suffix(_ count: Int) throws -> [UInt8] {
    let end = receivedByteCount
    let start = max(0, end - Int64(count))
    let aligned = start / Int64(DirectFile.alignment) * Int64(DirectFile.alignment)
    let block = pool.take()
    let found = try file.read(into: block.bytes, at: aligned)
    return Array(block.bytes[Int(start - aligned)..<min(found, Int(end - aligned))])
  }

  /// A reader from the first byte on.
  ///
  /// It waits for bytes that have not arrived.
  public func makeReader() -> SpoolReader { SpoolReader(self) }
}

/// The bytes read so far were wrong; all must be read again.
public struct SpoolRestarted: Error {
  /// The news.
  public init() {}
}
