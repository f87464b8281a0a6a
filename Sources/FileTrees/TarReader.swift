/// Reads the members of a tar in order: POSIX ustar and PAX, GNU, and the format of Version 7.
///
/// What is read comes from strangers. Every header's check sum is compared, sizes are bounded, and names are bytes that nobody has
/// looked at: whoever uses them as paths must (registry-protocol.md, section 15).
public final class TarReader: ByteSource {
  /// More than any path or set of extended attributes needs, in bytes.
  private static let extensionLimit: Int64 = 1 << 20

  private let source: any SkippableSource
  private var position: Int64 = 0
  /// Content and padding of the current member that were not read yet.
  private var rest: Int64 = 0
  private var padding: Int64 = 0
  private var globalRecords: [PAXRecord] = []
  /// Bytes of extended headers that are in force: the global ones, and those of the member that is being read.
  private var globalByteCount: Int64 = 0
  private var extensionByteCount: Int64 = 0
  private var hasEnded = false

  /// Whether a block is the header of a member: its check sum is right, and its numbers are sound.
  public static func isHeader(_ block: [UInt8]) -> Bool {
    block.count == TarHeader.blockSize && (try? TarBlock(block, at: 0)) != nil
  }

  /// Reads `source` from where it stands.
  public init(_ source: any SkippableSource) { self.source = source }

  /// The next member, or nil at the end.
  ///
  /// What was left of the one before is skipped.
  ///
  /// - Throws: `TarError`, and what the source throws.
  public func next() throws -> TarMember? {
    try skip(rest + padding)
    (rest, padding) = (0, 0)
    var extensions = TarExtensions(globalRecords)
    extensionByteCount = globalByteCount
    var isExtended = false
    while !hasEnded, let block = try readBlock() {
      let header = try TarBlock(block, at: position - Int64(TarHeader.blockSize))
      isExtended = header.type != UInt8(ascii: "g")
      switch header.type {
      case UInt8(ascii: "x"): extensions.records += try PAXRecord.parse(readExtension(header), at: position)
      case UInt8(ascii: "g"):
        globalRecords += try PAXRecord.parse(readExtension(header), at: position)
        globalByteCount += header.byteCount
        extensions.records = globalRecords + extensions.records
      case UInt8(ascii: "L"): extensions.longName = try readExtension(header).prefixToNUL
      case UInt8(ascii: "K"): extensions.longLink = try readExtension(header).prefixToNUL
      default: return try begin(TarMember(header, extensions, contentOffset: position))
      }
    }
    // The member that an extended header speaks of must follow it.
    if isExtended { throw TarError.truncated(offset: position) }
    return nil
  }

  /// Fills the beginning of `buffer` with content of the current member; 0 when there is no more.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard rest > 0 else { return 0 }
    let wanted = UnsafeMutableRawBufferPointer(
      rebasing: buffer[..<min(buffer.count, Int(min(rest, 1 << 40)))])
    let count = try source.read(into: wanted)
    if count == 0 { throw TarError.truncated(offset: position) }
    position += Int64(count)
    rest -= Int64(count)
    return count
  }

  /// The whole content of the current member.
  ///
  /// - Throws: `TarError.memberTooLarge` when it has more than `limit` bytes.
  public func readContent(of member: TarMember, limit: Int) throws -> [UInt8] {
    guard rest <= Int64(limit) else { throw TarError.memberTooLarge(name: member.name, limit: limit) }
    var content = [UInt8](repeating: 0, count: Int(rest))
    var done = 0
    while done < content.count {
      done += try content.withUnsafeMutableBytes {
        try read(into: UnsafeMutableRawBufferPointer(rebasing: $0[done...]))
      }
    }
    return content
  }

  private func begin(_ member: TarMember) throws -> TarMember {
    rest = member.byteCount
    padding = Int64(TarHeader.padding(after: member.byteCount))
    return member
  }

  /// The next block that is not zero; nil at the end of the archive.
  private func readBlock() throws -> [UInt8]? {
    var block = [UInt8](repeating: 0, count: TarHeader.blockSize)
    let count = try block.withUnsafeMutableBytes { try source.readFully(into: $0) }
    position += Int64(count)
    // An archive may end without the two zero blocks: many writers were killed by the full disk, and readers never minded.
    guard count == TarHeader.blockSize else {
      hasEnded = true
      if count > 0 { throw TarError.truncated(offset: position) }
      return nil
    }
    guard block.contains(where: { $0 != 0 }) else {
      hasEnded = true
      return nil
    }
    return block
  }

  private func readExtension(_ header: TarBlock) throws -> [UInt8] {
    extensionByteCount += min(header.byteCount, Self.extensionLimit + 1)
    guard extensionByteCount <= Self.extensionLimit else {
      throw TarError.extensionTooLarge(offset: position)
    }
    var content = [UInt8](repeating: 0, count: Int(header.byteCount))
    let count = try content.withUnsafeMutableBytes { try source.readFully(into: $0) }
    position += Int64(count)
    guard count == content.count else { throw TarError.truncated(offset: position) }
    try skip(Int64(TarHeader.padding(after: header.byteCount)))
    return content
  }

  private func skip(_ count: Int64) throws {
    guard count > 0 else { return }
    let skipped = try source.skip(count)
    position += skipped
    guard skipped == count else { throw TarError.truncated(offset: position) }
  }
}

/// A source in which one can go forward without looking.
public protocol SkippableSource: ByteSource {
  /// Goes on by `count` bytes, and returns by how many it could.
  func skip(_ count: Int64) throws -> Int64
}

extension BufferedSource: SkippableSource {
  /// Reads and forgets.
  public func skip(_ count: Int64) throws -> Int64 {
    var done: Int64 = 0
    while done < count {
      let bytes = try peek(1)
      if bytes.isEmpty { break }
      let step = min(Int64(bytes.count), count - done)
      skip(Int(step))
      done += step
    }
    return done
  }
}

/// What is wrong with a tar.
public enum TarError: Error, Hashable, CustomStringConvertible {
  /// It ends in the middle of a member; the offset is where, in bytes.
  case truncated(offset: Int64)
  /// The block at this offset is no header: its check sum is wrong.
  case noHeader(offset: Int64)
  /// A field of the header at this offset is not a number, or a negative or absurd one.
  case badNumber(field: String, offset: Int64)
  /// An extended header is longer than any that is honest.
  case extensionTooLarge(offset: Int64)
  /// An extended header is not made of records.
  case badRecord(offset: Int64)
  /// A sparse member: its content would have to be put together.
  case sparse(name: [UInt8])
  /// A member is longer than it may be.
  case memberTooLarge(name: [UInt8], limit: Int)

  /// One line for people.
  public var description: String {
    switch self {
    case .truncated(let offset): "the tar ends in the middle, at byte \(offset)"
    case .noHeader(let offset): "there is no tar header at byte \(offset): the check sum is wrong"
    case .badNumber(let field, let offset): "the tar header at byte \(offset) has no sound \(field)"
    case .extensionTooLarge(let offset): "the extended tar header at byte \(offset) is too long"
    case .badRecord(let offset): "the extended tar header before byte \(offset) is damaged"
    case .sparse(let name):
      "the tar member \(MemberName(cleaning: name)) is sparse, which is not supported"
    case .memberTooLarge(let name, let limit):
      "the tar member \(MemberName(cleaning: name)) has more than \(limit) bytes"
    }
  }
}

extension [UInt8] {
  /// Everything before the first NUL.
  var prefixToNUL: [UInt8] { Array(prefix { $0 != 0 }) }
}
