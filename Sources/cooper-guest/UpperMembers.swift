import FileTrees
import Glibc
import MachineProtocol
import SystemPackage

/// What is above in the overlay as members of a tar, with whiteouts as layers of images have them (vm-executor.md, section 4.3).
///
/// All names of a file that was changed are among them.
final class UpperMembers: CountedMembers {
  private(set) var count: UInt64 = 0
  private let walk: TreeWalk
  /// What comes before the next entry of the walk.
  private var pending: TarInput?
  private var names = FirstNames()
  private let indexed: IndexedFiles?

  init(_ directory: FilePath, indexed: IndexedFiles?) throws {
    walk = try TreeWalk(directory.appending("."), order: .bytes)
    self.indexed = indexed
  }

  func next() throws -> TarInput? {
    if let input = pending {
      pending = nil
      count += 1
      return input
    }
    guard let input = try walk.next().map(member) ?? indexed?.next() else { return nil }
    count += 1
    return input
  }

  private func member(_ entry: TreeWalk.Entry) throws -> TarInput {
    let name = Array("./".utf8) + entry.path
    let status = entry.status
    guard let type = status.type else {
      throw GuestFailure(
        because: "\(entry.path.text) is a socket, which no image can have; the commands must remove it")
    }
    if type == .characterDevice, status.device == TarDevice(major: 0, minor: 0) {
      return TarInput(header: TarHeader(name: ChangeMark.removal(of: name), mode: 0))
    }
    guard !entry.path.suffix(from: entry.path.nameStart).starts(with: ".wh.".utf8) else {
      throw GuestFailure(
        because: "\(entry.path.text) has a name that in a layer means the removal of another file")
    }
    if let link = names.link(name, to: status) { return link }
    if type != .directory, status.linkCount > 1 { indexed?.note(entry.path) }
    if type == .directory, try entry.change({ try $0.isOpaque($1) }) {
      pending = TarInput(header: TarHeader(name: ChangeMark.opaque(name), mode: 0))
    }
    return try entry.input(named: name, type, entry.extendedAttributes()) { _ in }
  }
}

extension OpenDirectory {
  /// Whether nothing of the lower directory is seen in it.
  fileprivate func isOpaque(_ name: [UInt8]) throws -> Bool {
    try extendedAttribute("trusted.overlay.opaque", of: name) == Array("y".utf8)
  }
}

extension [UInt8] {
  fileprivate var text: String { String(decoding: self, as: UTF8.self) }

  /// Where the last name of the path begins.
  fileprivate var nameStart: Int { lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0 }
}
