public import ArchiveIO
import ImageArchive
public import SystemPackage

/// The tar of a directory with real files: what a plain directory in `contents` becomes.
///
/// Members are `./` and everything below it in the order of their bytes, all with the same owner and time, so that the bytes follow from names,
/// modes and content alone. Hard links are files of their own. What a base image has behind a link to a directory goes where the link leads.
public struct DirectoryLayer: TarRecipe {
  /// The directory.
  public let directory: FilePath
  private let owner: TarOwner
  private let modificationTime: Int64
  private let rules: PermissionRules
  private let links: DirectoryLinks

  /// A layer of what is in `directory`.
  public init(
    _ directory: FilePath, owner: TarOwner, modificationTime: Int64,
    rules: PermissionRules = PermissionRules([]), links: DirectoryLinks = DirectoryLinks()
  ) {
    self.directory = directory
    self.owner = owner
    self.modificationTime = modificationTime
    self.rules = rules
    self.links = links
  }

  /// See `TarRecipe`.
  public let dialect = TarDialect.gnu(numericOwner: false)

  /// See `TarRecipe`.
  public func members() throws -> any TarMembers { try Members(self) }

  private final class Members: TarMembers {
    private let layer: DirectoryLayer
    private let walk: TreeWalk

    init(_ layer: DirectoryLayer) throws {
      self.layer = layer
      walk = try TreeWalk(layer.directory.appending("."), order: .bytes)
    }

    func next() throws -> TarInput? {
      while let entry = try walk.next() {
        let slash = entry.path.lastIndex(of: UInt8(ascii: "/"))
        let parent = Array(entry.path[..<(slash ?? 0)])
        let name = entry.path[(slash.map { $0 + 1 } ?? 0)...]
        let place = FileSystemPath.joined(layer.links.place(of: parent), name)
        // A directory that the base has behind a link stays as it is there.
        if entry.status.type == .directory, layer.links.place(of: entry.path) != place { continue }
        return try input(entry, in: parent, place: place)
      }
      return nil
    }

    private func input(
      _ entry: TreeWalk.Entry, in parent: [UInt8], place: [UInt8]
    ) throws -> TarInput {
      try entry.input(named: Array("./".utf8) + place) { header in
        // What the directory is called outside, and its mode, are not the image's.
        if entry.path.isEmpty { header.mode = 0o755 }
        header.linkName = layer.links.moved(entry.linkTarget, from: parent)
        header.owner = layer.owner
        header.modificationTime = layer.modificationTime
        layer.rules.apply(to: &header)
      }
    }
  }
}
