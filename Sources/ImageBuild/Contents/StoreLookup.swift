import ArchiveIO
import SystemPackage

/// Follows paths in the store and in a directory elsewhere through links, and never out of both: what is outside is not in the image.
struct StoreLookup: Sendable {
  /// What a path leads to.
  enum Found {
    case directory(OpenDirectory)
    case file(FileStatus, in: OpenDirectory, name: [UInt8])
  }

  /// As many as Linux follows.
  private static let linkLimit = 40
  private static let slash = UInt8(ascii: "/")

  /// The store's directory as the image knows it.
  let storeDirectory: String
  /// What is put before it to find it on this machine.
  let root: String
  /// The absolute path of a directory that paths may lead into as well.
  var item: [UInt8]?

  /// What is at `path`, through any number of links, and its path without links.
  ///
  /// Nil when nothing is there, when a link leads out, and when links go round in circles.
  func find(_ path: [UInt8]) throws(FileError) -> (found: Found, path: [UInt8])? {
    guard var (top, rest) = place(of: path) else { return nil }
    var start = try open(top)
    var way: [(directory: OpenDirectory, name: [UInt8])] = []
    var links = 0
    while let name = rest.popLast() {
      if name.elementsEqual("..".utf8) {
        if way.popLast() != nil { continue }
        // Out at the top, and perhaps in again elsewhere.
        guard let other = place(of: Self.textual(top, [name] + rest.reversed())) else { return nil }
        (top, rest) = other
        start = try open(top)
        continue
      }
      let directory = way.last?.directory ?? start
      guard let status = try Self.status(of: name, in: directory) else { return nil }
      switch status.type {
      case .directory: way.append((try directory.directory(name), name))
      case .symbolicLink:
        links += 1
        let target = try directory.target(of: name, byteCount: status.byteCount)
        guard links <= Self.linkLimit else { return nil }
        if target.first == Self.slash {
          guard let other = place(of: Self.joined(target, rest.reversed())) else { return nil }
          (top, rest, way) = (other.top, other.names, [])
          start = try open(top)
        } else {
          rest += Self.names(target)
        }
      default:
        guard rest.isEmpty else { return nil }
        return (.file(status, in: directory, name: name), Self.joined(top, way.map(\.name) + [name]))
      }
    }
    // The store as a whole is in no image.
    guard let last = way.last else { return nil }
    return (.directory(last.directory), Self.joined(top, way.map(\.name)))
  }

  private static func status(of name: [UInt8], in directory: OpenDirectory) throws(FileError) -> FileStatus? {
    do {
      return try directory.status(of: name)
    } catch  where error.errno == .noSuchFileOrDirectory {
      return nil
    }
  }

  /// The store or the item, whichever an absolute path leads into, and the names after that, the first one last.
  private func place(of path: [UInt8]) -> (top: [UInt8], names: [[UInt8]])? {
    guard path.first == Self.slash else { return nil }
    let names = Self.names(path)
    for top in [Array(storeDirectory.utf8), item ?? []] where !top.isEmpty {
      let above = Self.names(top)
      if names.count > above.count, names.suffix(above.count).elementsEqual(above) {
        return (top, names.dropLast(above.count))
      }
    }
    return nil
  }

  private func open(_ top: [UInt8]) throws(FileError) -> OpenDirectory {
    try OpenDirectory(FilePath(platformBytes: (top == item ? [] : Array(root.utf8)) + top))
  }

  /// The absolute path of names below a directory, without `..` at its beginning.
  private static func textual(_ directory: [UInt8], _ names: [[UInt8]]) -> [UInt8] {
    var way = directory.split(separator: slash).map(Array.init)
    var rest = names[...]
    while let name = rest.first, name.elementsEqual("..".utf8) {
      _ = way.popLast()
      rest = rest.dropFirst()
    }
    return joined([], way + rest)
  }

  private static func names(_ path: [UInt8]) -> [[UInt8]] {
    path.split(separator: slash).filter { !$0.elementsEqual(".".utf8) }.reversed().map(Array.init)
  }

  private static func joined(_ directory: [UInt8], _ names: [[UInt8]]) -> [UInt8] {
    names.reduce(into: directory) { $0 += [slash] + $1 }
  }
}

extension StoreLookup {
  /// Whether two paths lead to files with the same bytes, both executable or both not.
  func haveSameContent(_ first: [UInt8], _ second: [UInt8]) throws -> Bool {
    guard case .file(let left, let leftDirectory, let leftName)? = try find(first)?.found,
      case .file(let right, let rightDirectory, let rightName)? = try find(second)?.found
    else { return false }
    if left.identity == right.identity { return true }
    guard left.type == .regular, right.type == .regular, left.byteCount == right.byteCount,
      left.mode & 0o111 == right.mode & 0o111
    else { return false }
    return try leftDirectory.file(leftName).hasSameContent(as: rightDirectory.file(rightName))
  }
}

extension OpenFile {
  /// Whether two files have the same bytes from here on.
  func hasSameContent(as other: OpenFile) throws -> Bool {
    let sources = [BufferedSource(self), BufferedSource(other)]
    while true {
      let (left, right) = (try sources[0].peek(1), try sources[1].peek(1))
      let count = min(left.count, right.count)
      if count == 0 { return left.count == right.count }
      guard left.prefix(count).elementsEqual(right.prefix(count)) else { return false }
      sources.forEach { $0.skip(count) }
    }
  }
}
