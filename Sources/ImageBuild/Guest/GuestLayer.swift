public import ArchiveIO
import ImageArchive

/// The tar of a guest's tree, packed as `ScratchLayer` packs one on disk.
public struct GuestLayer: TarRecipe {
  private let contents: GuestContents
  private let files: [(path: [UInt8], entry: FileSystemEntry)]
  private let packing: TreePacking
  private let rules: PermissionRules

  /// A layer of everything in `tree`, or what is included, but the excluded paths and what is below them.
  ///
  /// Files with content that are included are none of the image's.
  public init(
    _ tree: GuestTree, packing: TreePacking = .customisation, rules: PermissionRules,
    excluding excluded: [String] = [], including included: Set<[UInt8]>? = nil
  ) {
    var files: [(path: [UInt8], entry: FileSystemEntry)] = []
    let excluded = excluded.map { Array($0.utf8) }
    tree.forEach { path, entry in
      if excluded.contains(where: { FileSystemPath.isInside(path, $0) }) { return }
      if included?.contains(path) ?? true { files.append((path, entry)) }
    }
    (contents, self.files, self.packing, self.rules) = (tree.contents, files, packing, rules)
  }

  /// See `TarRecipe`.
  public var dialect: TarDialect { packing.dialect }

  /// See `TarRecipe`.
  public func members() -> any TarMembers { Members(self) }

  private final class Members: TarMembers {
    private let layer: GuestLayer
    private var position = 0

    init(_ layer: GuestLayer) { self.layer = layer }

    func next() throws -> TarInput? {
      guard position < layer.files.count else { return nil }
      defer { position += 1 }
      let (path, entry) = layer.files[position]
      var header = TarHeader(entry, at: path)
      header.modificationTime = TreePacking.time
      layer.packing.name(&header.owner)
      layer.rules.apply(to: &header)
      guard header.byteCount > 0, let origin = entry.origin else { return TarInput(header: header) }
      return TarInput(
        header: header, content: try layer.contents.content(of: origin, byteCount: header.byteCount))
    }
  }
}
