/// The members of a tar by name, for reading any of them in place.
///
/// The headers are read once; content is not. Names are only compared, never used as paths.
public struct TarIndex: Sendable {
  /// More members than any image archive has.
  public static let memberLimit = 1_000_000
  /// The most bytes of names that are kept.
  private static let nameByteLimit = 64 << 20
  /// Longer names are those of no file of an image archive; they cannot be found.
  private static let longestName = 4096

  fileprivate enum Member: Hashable {
    case file(offset: Int64, byteCount: Int64)
    case symbolicLink(to: [UInt8])
    case hardLink(to: [UInt8])
    case directory
    case other
  }

  /// The tar.
  public let file: DirectFile
  private var members: [MemberName: Member] = [:]
  /// Further members of a name, which must be like the first.
  private var repetitions: [MemberName: [Member]] = [:]

  /// Reads the headers of `file`, at most `memberLimit` of them.
  ///
  /// - Throws: `TarError`, `TarIndexError.tooManyMembers`, `FileError`.
  public init(_ file: DirectFile, memberLimit: Int = Self.memberLimit) throws {
    self.file = file
    let reader = TarReader(try FileRange(whole: file).open(windowSize: 16 * 1024))
    var count = 0
    var nameByteCount = 0
    while let member = try reader.next() {
      count += 1
      guard member.name.count <= Self.longestName, member.linkName.count <= Self.longestName else { continue }
      nameByteCount += member.name.count + member.linkName.count
      guard count <= memberLimit, nameByteCount <= Self.nameByteLimit else {
        throw TarIndexError.tooManyMembers(limit: memberLimit)
      }
      add(Member(member), named: MemberName(cleaning: member.name))
    }
  }

  private mutating func add(_ member: Member, named name: MemberName) {
    guard let known = members[name] else {
      members[name] = member
      return
    }
    if member != known { repetitions[name, default: []].append(member) }
  }

  /// The number of different names.
  public var count: Int { members.count }

  /// Whether there is a member of that name, of any type.
  public func contains(_ name: String) -> Bool { members[MemberName(name)] != nil }

  /// The content of a file; nil when there is no member of that name.
  ///
  /// A link is followed inside the archive: one symbolic link, and one hard link.
  ///
  /// - Throws: `TarIndexError` when the member is no file, leads to none, or is there twice and not alike.
  public func file(_ name: String) throws -> FileRange? {
    guard let (member, name) = try member(MemberName(name)) else { return nil }
    return try range(of: member, named: name, symbolicLinks: 1, hardLinks: 1)
  }

  private func range(
    of member: Member, named name: MemberName, symbolicLinks: Int, hardLinks: Int
  ) throws -> FileRange {
    switch member {
    case .file(let offset, let byteCount): return FileRange(file, offset: offset, byteCount: byteCount)
    case .symbolicLink(let target):
      guard symbolicLinks > 0 else { throw TarIndexError.tooManyLinks(name: name) }
      let next = name.following(target)
      guard let (member, name) = try self.member(next) else {
        throw TarIndexError.brokenLink(name: name, target: next)
      }
      return try range(of: member, named: name, symbolicLinks: symbolicLinks - 1, hardLinks: hardLinks)
    case .hardLink(let target):
      guard hardLinks > 0 else { throw TarIndexError.tooManyLinks(name: name) }
      let next = MemberName(cleaning: target)
      guard let (member, name) = try self.member(next) else {
        throw TarIndexError.brokenLink(name: name, target: next)
      }
      return try range(of: member, named: name, symbolicLinks: symbolicLinks, hardLinks: hardLinks - 1)
    case .directory, .other: throw TarIndexError.notAFile(name: name)
    }
  }

  private func member(_ name: MemberName) throws -> (Member, MemberName)? {
    guard let member = members[name] else { return nil }
    for repetition in repetitions[name] ?? [] where try !isSame(member, repetition) {
      throw TarIndexError.conflict(name: name)
    }
    return (member, name)
  }

  /// Whether two members mean the same: readers differ in whether the first or the last counts.
  private func isSame(_ first: Member, _ second: Member) throws -> Bool {
    guard case .file(let firstOffset, let byteCount) = first,
      case .file(let secondOffset, byteCount) = second
    else { return first == second }
    return try FileRange(file, offset: firstOffset, byteCount: byteCount).hasSameBytes(
      as: FileRange(file, offset: secondOffset, byteCount: byteCount))
  }
}

extension TarIndex.Member {
  fileprivate init(_ member: TarMember) {
    if member.isFile {
      self = .file(offset: member.contentOffset, byteCount: member.byteCount)
    } else if member.isSymbolicLink {
      self = .symbolicLink(to: member.linkName)
    } else if member.isHardLink {
      self = .hardLink(to: member.linkName)
    } else {
      self = member.isDirectory ? .directory : .other
    }
  }
}

/// Why a member of a tar cannot be used.
public enum TarIndexError: Error, Hashable, CustomStringConvertible {
  /// There are more members than any honest archive has.
  case tooManyMembers(limit: Int)
  /// Two members have this name and are not alike.
  case conflict(name: MemberName)
  /// A link leads to nothing in the archive.
  case brokenLink(name: MemberName, target: MemberName)
  /// A link leads to a link: perhaps in a circle.
  case tooManyLinks(name: MemberName)
  /// A member that should be a file is something else.
  case notAFile(name: MemberName)

  /// One line for people.
  public var description: String {
    switch self {
    case .tooManyMembers(let limit): "the tar has more than \(limit) members, or absurdly long names"
    case .conflict(let name): "the tar has two members \(name) that differ, so that readers would disagree"
    case .brokenLink(let name, let target): "the link \(name) leads to \(target), which is not in the tar"
    case .tooManyLinks(let name): "the link \(name) leads to another link, which is not followed"
    case .notAFile(let name): "\(name) in the tar is not a file"
    }
  }
}
