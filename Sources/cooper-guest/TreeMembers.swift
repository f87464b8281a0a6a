import FileTrees
import MachineProtocol
import SystemPackage

/// Members of a tar that count themselves.
protocol CountedMembers: TarMembers {
  /// The number of members so far.
  var count: UInt64 { get }
}

/// A tree of files as members of a tar, with everything that the kernel says of them.
final class TreeMembers: CountedMembers {
  private(set) var count: UInt64 = 0
  private let walk: TreeWalk
  private let directoryTimes: [FileIdentity: Int64]
  private var names = FirstNames()

  /// What is in the tree at `root`, whose directories have these times.
  init(_ root: FilePath, directoryTimes: [FileIdentity: Int64]) throws {
    walk = try TreeWalk(root.appending("."), order: .bytes)
    self.directoryTimes = directoryTimes
  }

  func next() throws -> TarInput? {
    guard let entry = try walk.next() else { return nil }
    count += 1
    guard let type = entry.status.type else {
      throw GuestFailure(because: "\(entry.description) is a socket, which no layer can have made")
    }
    let name = Array("./".utf8) + entry.path
    if let link = names.link(name, to: entry.status) { return link }
    let attributes = try entry.change { try $0.extendedAttributes(of: $1, includingLocal: true) }
    return try entry.input(named: name, type, attributes) { header in
      if type == .directory { header.modificationTime = directoryTimes[entry.status.identity] ?? 0 }
    }
  }
}

/// The first name of each file that has several.
struct FirstNames {
  private var names: [FileIdentity: [UInt8]] = [:]

  /// The member for another name of a file; nil for the first.
  mutating func link(_ name: [UInt8], to status: FileStatus) -> TarInput? {
    guard status.type != .directory, status.linkCount > 1 else { return nil }
    if let first = names[status.identity] {
      return TarInput(header: TarHeader(name: name, type: .hardLink, mode: 0, linkName: first))
    }
    names[status.identity] = name
    return nil
  }
}

extension TreeWalk.Entry {
  /// The entry as a member of that name with these attributes; `adjust` gets its header.
  func input(
    named name: [UInt8], _ type: TarType, _ attributes: [PAXRecord],
    adjust: (inout TarHeader) throws -> Void = { _ in }
  ) throws -> TarInput {
    var header = TarHeader(name: name, type: type, mode: status.mode, linkName: linkTarget)
    if type == .directory, header.name.last != UInt8(ascii: "/") { header.name.append(UInt8(ascii: "/")) }
    header.owner = TarOwner(uid: Int64(status.uid), gid: Int64(status.gid))
    header.modificationTime = status.modificationTime
    header.device = status.device
    header.extendedAttributes = attributes
    try adjust(&header)
    guard type == .regular, status.byteCount > 0 else { return TarInput(header: header) }
    header.byteCount = status.byteCount
    return TarInput(header: header, content: .file(try open()))
  }
}
