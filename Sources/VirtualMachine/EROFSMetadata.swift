/// Inodes with the ends of their files, packed into blocks so that no end crosses a block's boundary.
///
/// They go into the image in chunks of at most 512 KiB between the data of files. Where a chunk comes to lie is known when it is full, so places
/// count chunks.
struct EROFSMetadata {
  /// A chunk has room for one inode with as many attributes as there can be.
  private static let blocksPerChunk = 128
  private static let chunkBits = 19

  private var bytes = [UInt8](repeating: 0, count: blocksPerChunk * EROFSFormat.blockSize)
  /// How much of each block is used.
  private var used: [Int] = []
  /// Where the chunks lie in the image that were taken from here.
  private var bases: [Int64] = []

  /// Puts an inode and the end of its file, which may be empty, into the chunk.
  ///
  /// - Precondition: together they have at most 4096 bytes, unless the end is empty.
  /// - Returns: its place, or nil when there is no more room in the chunk.
  mutating func place(_ inode: EROFSInode, tail: some Collection<UInt8>) -> Int? {
    let size = inode.size + tail.count
    guard let offset = reserve(size) else { return nil }
    bytes.replaceSubrange(offset..<(offset + inode.size), with: inode.bytes)
    bytes.replaceSubrange((offset + inode.size)..<(offset + size), with: tail)
    return bases.count << Self.chunkBits | offset
  }

  /// Finds the block that is filled best, or the next ones.
  private mutating func reserve(_ size: Int) -> Int? {
    let slots = (size + EROFSFormat.slotSize - 1) / EROFSFormat.slotSize * EROFSFormat.slotSize
    let block = used.indices.filter { EROFSFormat.blockSize - used[$0] >= slots }.max { used[$0] < used[$1] }
    if let block {
      defer { used[block] += slots }
      return block * EROFSFormat.blockSize + used[block]
    }
    let offset = used.count * EROFSFormat.blockSize
    let count = (slots + EROFSFormat.blockSize - 1) / EROFSFormat.blockSize
    guard used.count + count <= Self.blocksPerChunk else { return nil }
    used += repeatElement(EROFSFormat.blockSize, count: count - 1)
    used.append(slots - (count - 1) * EROFSFormat.blockSize)
    return offset
  }

  /// Takes the chunk as it is, which will lie at `base`, and begins another one.
  mutating func takeChunk(at base: Int64) -> [UInt8] {
    let chunk = Array(bytes[..<(used.count * EROFSFormat.blockSize)])
    for index in chunk.indices { bytes[index] = 0 }
    used = []
    bases.append(base)
    return chunk
  }

  /// Where a place of a chunk that was taken is in the image.
  func offset(of place: Int) -> Int64 {
    bases[place >> Self.chunkBits] + Int64(place & (1 << Self.chunkBits - 1))
  }
}
