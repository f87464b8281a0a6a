import FileTrees
import Glibc
import MachineProtocol
import SystemPackage

/// What is above in the overlay as members of a tar, with whiteouts as layers of images have them (vm-executor.md, section 4.3).
///
/// All names of a file that was changed are among them, and everything in a directory that was moved.
final class UpperMembers: CountedMembers {
  private(set) var count: UInt64 = 0
  private let walk: TreeWalk
  private let names: ChangedNames
  private let indexed: IndexedFiles?
  /// What comes before the next entry of the walk.
  private var pending: TarInput?
  /// The directory of the lower tree that is here now, and the walk through it; the upper directory has only what of it was changed.
  private var moved: (path: [UInt8], walk: TreeWalk)?
  /// The directory of the upper one that hides what was below it, and that the current entry is in.
  private var opaque: [UInt8]?

  /// Those of an overlay of these parts.
  init(upper: FilePath, lower: FilePath, index: FilePath, tree: FilePath) throws {
    walk = try TreeWalk(upper.appending("."), order: .bytes)
    names = try ChangedNames(tree: tree, upper: upper)
    indexed = try IndexedFiles(lower: lower, index: index, names: names)
  }

  func next() throws -> TarInput? {
    let waiting = pending
    pending = nil
    guard let input = try waiting ?? nextOfMoved() ?? nextOfUpper() ?? indexed?.next() else { return nil }
    count += 1
    return input
  }

  // MARK: Directories that were moved

  private func nextOfMoved() throws -> TarInput? {
    guard let (path, walk) = moved, let entry = try walk.next() else { return nil }
    let place = entry.path.isEmpty ? path : path + [UInt8(ascii: "/")] + entry.path
    let type = try Self.type(of: entry, at: place)
    if let link = names.link(place, to: entry.status) { return link }
    return try entry.input(named: Array("./".utf8) + place, type, entry.extendedAttributes())
  }

  // MARK: The upper directory

  private func nextOfUpper() throws -> TarInput? {
    while let entry = try walk.next() {
      func isIn(_ path: [UInt8]) -> Bool { entry.path.starts(with: path + [UInt8(ascii: "/")]) }
      if let path = moved?.path, isIn(path) { continue }
      moved = nil
      if let path = opaque, !isIn(path) { opaque = nil }
      return try member(entry)
    }
    return nil
  }

  private func member(_ entry: TreeWalk.Entry) throws -> TarInput {
    let name = Array("./".utf8) + entry.path
    let status = entry.status
    if status.type == .characterDevice, status.device == TarDevice(major: 0, minor: 0) {
      return TarInput(header: TarHeader(name: ChangeMark.removal(of: name), mode: 0))
    }
    let type = try Self.type(of: entry, at: entry.path)
    if type == .directory {
      let isMoved = try isMoved(entry)
      if try isMoved || entry.change({ try $0.isOpaque($1) }) {
        pending = TarInput(header: TarHeader(name: ChangeMark.opaque(name), mode: 0))
        if opaque == nil { opaque = entry.path }
      }
      if isMoved {
        moved = (entry.path, try names.walk(entry.path))
        if let first = try nextOfMoved() { return first }
      }
    } else if status.linkCount > 1, let merged = names.status(of: entry.path),
      let link = names.link(entry.path, to: merged)
    {
      return link
    }
    return try entry.input(named: name, type, entry.extendedAttributes())
  }

  /// Whether what is seen in a directory is of a lower one of another path, or of what another one hides, and not of one that has come back.
  private func isMoved(_ entry: TreeWalk.Entry) throws -> Bool {
    guard
      let lower = try entry.change({ try $0.extendedAttribute("trusted.overlay.redirect", of: $1) })
    else { return false }
    let name = LayerName.split(entry.path).name
    return opaque != nil || !lower.elementsEqual(name) && lower != [UInt8(ascii: "/")] + entry.path
  }

  private static func type(of entry: TreeWalk.Entry, at path: [UInt8]) throws -> TarType {
    guard let type = entry.status.type else {
      throw GuestFailure(
        because: "\(path.text) is a socket, which no image can have; the commands must remove it")
    }
    guard !LayerName.split(path).name.starts(with: ".wh.".utf8) else {
      throw GuestFailure(
        because: "\(path.text) has a name that in a layer means the removal of another file")
    }
    return type
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
}
