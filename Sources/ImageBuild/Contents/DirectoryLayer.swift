public import ArchiveIO
public import SystemPackage

/// The tar of a directory with real files: what a plain directory in `contents` becomes.
///
/// Members are `./` and everything below it in the order of their bytes, all with the same owner and time, so that the bytes follow from names,
/// modes and content alone. Hard links are files of their own. What a base image has behind a link to a directory goes where the link leads.
public struct DirectoryLayer: LayerRecipe {
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

  private static let dialect = TarDialect.gnu(numericOwner: false)

  /// See `LayerRecipe`.
  public func open() throws -> any ByteSource { TarStream(try members(), Self.dialect) }

  /// See `LayerRecipe`.
  public func byteCount() throws -> Int64 { try members().byteCount(Self.dialect) }

  private func members() throws -> some TarMembers { try Members(self) }

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
        let place = DirectoryLinks.joined(layer.links.place(of: parent), name)
        // A directory that the base has behind a link stays as it is there.
        if entry.status.type == .directory, layer.links.place(of: entry.path) != place { continue }
        return try input(entry, in: parent, place: place)
      }
      return nil
    }

    private func input(
      _ entry: TreeWalk.Entry, in parent: [UInt8], place: [UInt8]
    ) throws -> TarInput {
      guard let type = entry.status.type else { throw LayeredImageError.socket(entry.description) }
      var name = Array("./".utf8) + place
      if type == .directory, !entry.path.isEmpty { name.append(UInt8(ascii: "/")) }
      // What a directory is called outside, and its mode, are not the image's.
      let mode = entry.path.isEmpty ? 0o755 : type == .symbolicLink ? 0o777 : entry.status.mode
      let target = layer.links.moved(entry.linkTarget, from: parent)
      var header = TarHeader(name: name, type: type, mode: mode, linkName: target)
      header.owner = layer.owner
      header.modificationTime = layer.modificationTime
      header.device = entry.status.device
      layer.rules.apply(to: &header)
      guard type == .regular, entry.status.byteCount > 0 else { return TarInput(header: header) }
      header.byteCount = entry.status.byteCount
      return TarInput(header: header, content: .file(try entry.open()))
    }
  }
}
