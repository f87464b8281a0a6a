import Glibc
public import SystemPackage

/// Puts bytes into blocks, one after another, for stages that share them.
public final class BlockFiller {
  private let pool: BlockPool
  private var block: Block?
  private var filled = 0

  /// Fills blocks of `pool`.
  public init(_ pool: BlockPool) { self.pool = pool }

  /// Lets the next part begin in memory as `offset` does in a file, so that it can be written there directly.
  public func align(to offset: Int64) {
    let unit = DirectFile.alignment
    let wanted = Int(offset % Int64(unit))
    filled += (wanted - filled % unit + unit) % unit
    if filled >= pool.blockSize {
      block = nil
      filled = wanted
    }
  }

  /// Lets `fill` write into free space, and gives the part that it says it filled.
  public func append(_ fill: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> FilledPart {
    let current = block ?? pool.take()
    block = current
    let start = filled
    filled += try fill(UnsafeMutableRawBufferPointer(rebasing: current.bytes[start...]))
    let part = FilledPart(block: current, range: start..<filled)
    if filled == pool.blockSize {
      block = nil
      filled = 0
    }
    return part
  }
}

extension FileDescriptor {
  /// Lets a pipe hold a megabyte, so that its two ends take turns less often; anything else stays as it is.
  public func enlargePipe() {
    // F_SETPIPE_SZ, which Swift's view of the C library lacks.
    _ = fcntl(rawValue, 1031, 1 << 20)
  }
}

extension FilledPart {
  /// Less is not worth a direct write, which waits for the disk.
  private static let directMinimum = 128 << 10

  /// Writes the bytes to a place in a file: directly where they are many and in memory as in the file (`BlockFiller.align`).
  public func write(to file: DirectFile, at offset: Int64) throws(FileError) {
    let bytes = UnsafeRawBufferPointer(rebasing: block.bytes[range])
    let unit = DirectFile.alignment
    if bytes.count >= Self.directMinimum, range.lowerBound % unit == Int(offset % Int64(unit)) {
      try file.writeAligned(bytes, at: offset)
    } else {
      try file.write(bytes, at: offset)
    }
  }

  /// Writes the bytes to anything that takes them, waiting as long as it takes.
  public func write(to descriptor: FileDescriptor) throws(FileError) {
    var rest = UnsafeRawBufferPointer(rebasing: block.bytes[range])
    while !rest.isEmpty {
      let count = Glibc.write(descriptor.rawValue, rest.baseAddress, rest.count)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        // Whoever shares the pipe or terminal with this process may have made it non-blocking.
        var waiting = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
        poll(&waiting, 1, -1)
        continue
      }
      guard count >= 0 else { throw FileError("write to", "the output", Errno(rawValue: errno)) }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }
}
