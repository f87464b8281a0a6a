import ArchiveIO
import SystemPackage

/// Follows paths in the store through links, and never out of it: what is outside of the store is not in the image.
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

  /// What is at `path`, through any number of links, and its path without links.
  ///
  /// Nil when nothing is there, when a link leads out of the store, and when links go round in circles.
  func find(_ path: [UInt8]) throws(FileError) -> (found: Found, path: [UInt8])? {
    guard var rest = names(below: path) else { return nil }
    let store = try OpenDirectory(FilePath(root + storeDirectory))
    var way: [(directory: OpenDirectory, name: [UInt8])] = []
    var links = 0
    while let name = rest.popLast() {
      if name.elementsEqual("..".utf8) {
        guard way.popLast() != nil else { return nil }
        continue
      }
      let directory = way.last?.directory ?? store
      guard let status = try Self.status(of: name, in: directory) else { return nil }
      switch status.type {
      case .directory: way.append((try directory.directory(name), name))
      case .symbolicLink:
        links += 1
        let target = try directory.target(of: name, byteCount: status.byteCount)
        guard links <= Self.linkLimit else { return nil }
        if target.first == Self.slash {
          guard let names = names(below: target) else { return nil }
          way = []
          rest += names
        } else {
          rest += Self.names(target)
        }
      default:
        guard rest.isEmpty else { return nil }
        return (.file(status, in: directory, name: name), joined(way.map(\.name) + [name]))
      }
    }
    // The store as a whole is in no image.
    guard let last = way.last else { return nil }
    return (.directory(last.directory), joined(way.map(\.name)))
  }

  private static func status(of name: [UInt8], in directory: OpenDirectory) throws(FileError) -> FileStatus? {
    do {
      return try directory.status(of: name)
    } catch  where error.errno == .noSuchFileOrDirectory {
      return nil
    }
  }

  /// The names of an absolute path after the store's, the first one last; nil for a path that is not in the store.
  private func names(below path: [UInt8]) -> [[UInt8]]? {
    let store = Self.names(Array(storeDirectory.utf8))
    let names = Self.names(path)
    guard path.first == Self.slash, names.suffix(store.count).elementsEqual(store), names.count > store.count
    else { return nil }
    return Array(names.dropLast(store.count))
  }

  private static func names(_ path: [UInt8]) -> [[UInt8]] {
    path.split(separator: slash).filter { !$0.elementsEqual(".".utf8) }.reversed().map(Array.init)
  }

  private func joined(_ names: [[UInt8]]) -> [UInt8] {
    names.reduce(into: Array(storeDirectory.utf8)) { $0 += [Self.slash] + $1 }
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
