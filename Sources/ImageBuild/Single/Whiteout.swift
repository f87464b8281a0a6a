import ArchiveIO
public import ImageArchive

/// A file or directory of the base image that a layer hides (image-spec, "Layers").
public struct Whiteout: Sendable, Hashable {
  /// Its path in the image.
  let path: [UInt8]
  /// Whether only what is in the directory is hidden, since the layer has one of that name.
  let isOpaque: Bool

  init(path: [UInt8], isOpaque: Bool) { (self.path, self.isOpaque) = (path, isOpaque) }

  /// Those that hide `paths` of the base; nothing is needed where the layer has something else at the path, which hides it by itself.
  ///
  /// - Parameter kind: what the layer has at a path: nil for nothing, else whether it is a directory.
  /// - Throws: `WhiteoutError` for a path that the base does not have.
  public static func hiding(
    _ paths: [String], of base: FileSystemView, layer isDirectory: ([UInt8]) -> Bool?
  ) throws -> [Whiteout] {
    try places(of: paths, in: base).compactMap { path in
      guard let isDirectory = isDirectory(path) else { return Whiteout(path: path, isOpaque: false) }
      return isDirectory ? Whiteout(path: path, isOpaque: true) : nil
    }
  }

  /// Where those files of the base really are, behind its links to directories.
  ///
  /// - Throws: `WhiteoutError` for a path that the base does not have.
  public static func places(of paths: [String], in base: FileSystemView) throws -> [[UInt8]] {
    let links = try DirectoryLinks(base)
    return try paths.sorted().map { text in
      let (parent, name) = FileSystemPath.split(Array(text.utf8))
      let path = DirectoryLinks.joined(links.place(of: Array(parent)), name)
      guard try base.entry(at: FileSystemPath(path)) != nil else { throw WhiteoutError(path: text) }
      return path
    }
  }

  /// The name of the member that says so.
  private var memberName: [UInt8] {
    if isOpaque { return Array("./".utf8) + path + Array("/.wh..wh..opq".utf8) }
    let (parent, name) = FileSystemPath.split(path)
    return Array("./".utf8) + DirectoryLinks.joined(Array(parent), Array(".wh.".utf8) + name)
  }

  final class Members: TarMembers {
    private var whiteouts: ArraySlice<Whiteout>

    init(_ whiteouts: [Whiteout]) { self.whiteouts = whiteouts[...] }

    func next() -> TarInput? {
      guard let whiteout = whiteouts.popFirst() else { return nil }
      var header = TarHeader(name: whiteout.memberName, mode: 0)
      header.owner = TarOwner(userName: "root", groupName: "root")
      header.modificationTime = TreePacking.time
      return TarInput(header: header)
    }
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
