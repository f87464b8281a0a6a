import ArchiveIO
public import ImageArchive

/// A file or directory of the base image that a layer hides (image-spec, "Layers").
public struct Whiteout: Sendable, Hashable {
  private static let slash = UInt8(ascii: "/")

  /// Its path in the image.
  let path: [UInt8]
  /// Whether only what is in the directory is hidden, since the layer has one of that name.
  let isOpaque: Bool
  /// The directories above it that the layer does not have, as they are in the base.
  ///
  /// Engines that make the directories of a layer on their own give them modes of their own.
  let directories: [Directory]

  /// A directory of the base.
  struct Directory: Sendable, Hashable {
    let path: [UInt8]
    let entry: FileSystemEntry
  }

  init(path: [UInt8], isOpaque: Bool, directories: [Directory] = []) {
    (self.path, self.isOpaque, self.directories) = (path, isOpaque, directories)
  }

  /// Where `paths` are in the base, with links to directories followed: sorted, without what is inside of others.
  ///
  /// - Throws: `WhiteoutError` for a path that the base does not have.
  public static func places(of paths: [String], in base: FileSystemView) throws -> [[UInt8]] {
    let links = try DirectoryLinks(base)
    let places = try paths.map { text in
      let (parent, name) = FileSystemPath.split(Array(text.utf8))
      let path = FileSystemPath.joined(links.place(of: Array(parent)), name)
      guard try base.entry(at: FileSystemPath(path)) != nil else { throw WhiteoutError(path: text) }
      return path
    }
    let known = Set(places)
    return known.filter { place in !ways(above: place).contains(where: known.contains) }
      .sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// Those that hide these places of the base; nothing is needed where the layer has something else there or above, which hides it by itself.
  ///
  /// - Parameter isDirectory: what the layer has at a path: nil for nothing, else whether it is a directory.
  public static func hiding(
    _ places: [[UInt8]], of base: FileSystemView, layer isDirectory: ([UInt8]) -> Bool?
  ) throws -> [Whiteout] {
    var known: Set<[UInt8]> = []
    return try places.compactMap { path in
      let above = ways(above: path)
      guard isDirectory(path) != false, !above.contains(where: { isDirectory($0) == false }) else {
        return nil
      }
      let directories = try above.filter { isDirectory($0) == nil && known.insert($0).inserted }.compactMap {
        way in try base.entry(at: FileSystemPath(way)).map { Directory(path: way, entry: $0) }
      }
      return Whiteout(path: path, isOpaque: isDirectory(path) == true, directories: directories)
    }
  }

  /// The directories above a path, from the root downwards.
  private static func ways(above path: [UInt8]) -> [[UInt8]] {
    path.indices.filter { path[$0] == slash }.map { Array(path[..<$0]) }
  }

  /// The name of the member that says so.
  private var memberName: [UInt8] {
    if isOpaque { return Array("./".utf8) + path + Array("/.wh..wh..opq".utf8) }
    let (parent, name) = FileSystemPath.split(path)
    return Array("./".utf8) + FileSystemPath.joined(Array(parent), Array(".wh.".utf8) + name)
  }

  private var inputs: [TarInput] {
    let headers = directories.map(\.header) + [TarHeader(name: memberName, mode: 0)]
    return headers.map { header in
      var header = header
      header.owner.userName = header.owner.uid == 0 ? "root" : ""
      header.owner.groupName = header.owner.gid == 0 ? "root" : ""
      header.modificationTime = TreePacking.time
      return TarInput(header: header)
    }
  }

  final class Members: TarMembers {
    private var inputs: ArraySlice<TarInput>

    init(_ whiteouts: [Whiteout]) { inputs = whiteouts.flatMap(\.inputs)[...] }

    func next() -> TarInput? { inputs.popFirst() }
  }
}

extension Whiteout.Directory {
  fileprivate var header: TarHeader {
    var header = TarHeader(
      name: Array("./".utf8) + path + Array("/".utf8), type: .directory, mode: entry.mode)
    header.owner = TarOwner(uid: entry.userID, gid: entry.groupID)
    return header
  }
}

/// Something is to be removed that is not there.
public struct WhiteoutError: Error, Hashable, CustomStringConvertible {
  /// The path.
  public let path: String

  /// One line for people.
  public var description: String {
    "“remove” has “\(path)”, which the base image does not have; “cooper diff” and “cooper layers” show what it has"
  }
}
