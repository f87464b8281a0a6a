public import ArchiveIO
import Hashing

/// What one layer does to a file system, without the contents of files.
///
/// Needs memory for names, never for contents.
public struct LayerChanges: Sendable {
  /// One member of the layer.
  public enum Change: Sendable {
    /// Something is put at `path`.
    case put(path: [UInt8], FileSystemEntry)
    /// `path` becomes another name of what is at `target`.
    case link(path: [UInt8], target: [UInt8], member: Int)
    /// What lower layers have at `path` goes.
    case remove(path: [UInt8])
    /// What lower layers have in the directory `path` goes.
    case empty(path: [UInt8])
  }

  /// The members in the order of the tar.
  public var changes: [Change] = []

  /// More members than any honest image has.
  public static let memberLimit = 1_000_000
  /// The most bytes of names and attributes of one layer.
  static let nameByteLimit = 256 << 20
  /// What Linux allows for a path.
  static let longestName = 4096

  /// No changes.
  public init() {}

  /// Reads a layer's tar to its end.
  ///
  /// - Parameters:
  ///   - hashingContents: Whether `contentDigest` of files is wanted.
  ///   - visit: Gets every member, in order.
  /// - Throws: `TarError`, `FileSystemError`, and what the source throws.
  public init(
    _ source: any ByteSource, hashingContents: Bool, visit: (TarMember) -> Void = { _ in }
  ) throws {
    let buffered = BufferedSource(source)
    let reader = TarReader(buffered)
    var number = 0
    var nameByteCount = 0
    while let member = try reader.next() {
      visit(member)
      nameByteCount += member.name.count + member.linkName.count
      nameByteCount += member.extendedAttributes.reduce(0) { $0 + $1.key.count + $1.value.count }
      guard number < Self.memberLimit, nameByteCount <= Self.nameByteLimit else {
        throw FileSystemError.tooLarge
      }
      if var change = try Self.change(of: member, number: number) {
        if hashingContents, case .put(let path, var entry) = change, entry.kind == .file {
          entry.contentDigest = try Self.digest(reader)
          change = .put(path: path, entry)
        }
        changes.append(change)
      }
      number += 1
    }
    // Only at the end of the source is it known that its bytes were the right ones.
    while try buffered.skip(1 << 30) > 0 {}
  }

  private static func digest(_ reader: TarReader) throws -> Digest {
    var hasher = ContentHasher(.sha256)
    try withUnsafeTemporaryAllocation(byteCount: 256 * 1024, alignment: 64) { buffer in
      while true {
        let count = try reader.read(into: buffer)
        if count == 0 { return }
        hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
      }
    }
    return hasher.finalize()
  }

  // MARK: Members

  /// What the member with that number, from 0, means; nil for what is only there for a storage driver.
  ///
  /// No path leads out of the file system, but directories on the way may be links.
  public static func change(of member: TarMember, number: Int) throws(FileSystemError) -> Change? {
    guard member.name.count <= longestName, member.linkName.count <= longestName else {
      throw .nameTooLong(FileSystemPath(member.name.prefix(200)))
    }
    switch try FileSystemError.naming({ () throws(LayerNameError) in try LayerName(member.name) }) {
    case .reserved: return nil
    case .opaque(let path): return .empty(path: path)
    case .removal(let path): return .remove(path: path)
    case .file(let path) where member.isHardLink:
      let target = try FileSystemError.naming { () throws(LayerNameError) in
        try LayerName.path(member.linkName)
      }
      return .link(path: path, target: target, member: number)
    case .file(let path): return .put(path: path, try entry(member, number: number))
    }
  }

  private static func entry(_ member: TarMember, number: Int) throws(FileSystemError) -> FileSystemEntry {
    guard let kind = FileSystemEntry.Kind(tarType: member.type) else {
      throw .unknownType(FileSystemPath(member.name), member.type)
    }
    var entry = FileSystemEntry(kind: kind, mode: member.mode)
    entry.userID = member.userID
    entry.groupID = member.groupID
    entry.modificationTime = member.modificationTime
    entry.byteCount = member.byteCount
    if kind == .symbolicLink { entry.linkTarget = member.linkName }
    if kind == .characterDevice || kind == .blockDevice {
      entry.device = .init(major: member.deviceMajor, minor: member.deviceMinor)
    }
    entry.extendedAttributes = member.extendedAttributes.map {
      .init(name: Array($0.key.dropFirst("SCHILY.xattr.".utf8.count)), value: $0.value)
    }.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    entry.origin = .init(layer: 0, member: number)
    return entry
  }
}
