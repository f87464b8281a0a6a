public import ArchiveIO
import ImageArchive
import SystemPackage

/// The layer of what scripts changed in an image, with whiteouts for what they removed (nix-dockertools.md, section 6).
public struct ChangedLayer: TarRecipe {
  private let packed: any TarRecipe
  /// What of the base is gone.
  public let whiteouts: [Whiteout]

  /// Compares what is in `tree` now with what `image` had; `ownership` is what is pretended now, and of the excluded paths nothing is said.
  ///
  /// - Throws: what reading the tree throws.
  public init(
    _ tree: ScratchTree, of image: UnpackedImage, ownership: Ownership, rules: PermissionRules,
    excluding excluded: [String]
  ) throws {
    var comparison = LayerComparison(excluding: excluded.map { Array($0.utf8) })
    let walk = try TreeWalk(tree.root.appending("."), order: .bytes)
    while let entry = try walk.next() {
      try comparison.note(
        entry.path, isDirectory: entry.status.type == .directory,
        isChanged: image.snapshots[entry.path] != UnpackedImage.Snapshot(entry, ownership))
    }
    comparison.noteMissing(of: image.view)
    whiteouts = comparison.whiteouts
    packed = ScratchLayer(
      tree, ownership: ownership, packing: .machine, rules: rules, excluding: excluded,
      including: comparison.changed)
  }

  /// Compares what a guest's tree has now with what it had; of the excluded paths nothing is said.
  public init(_ tree: GuestTree, rules: PermissionRules, excluding excluded: [String]) {
    let comparison = tree.comparison(excluding: excluded.map { Array($0.utf8) })
    whiteouts = comparison.whiteouts
    packed = GuestLayer(
      tree, packing: .machine, rules: rules, excluding: excluded, including: comparison.changed)
  }

  /// See `TarRecipe`.
  public var dialect: TarDialect { packed.dialect }

  /// See `TarRecipe`.
  public func members() throws -> any TarMembers { try packed.members() }
}
