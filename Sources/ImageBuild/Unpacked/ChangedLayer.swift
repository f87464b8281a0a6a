public import ArchiveIO
import ImageArchive
import SystemPackage

/// The layer of what scripts changed in an unpacked image, with whiteouts for what they removed (nix-dockertools.md, section 6).
public struct ChangedLayer: TarRecipe {
  private let packed: ScratchLayer
  /// What of the base is gone.
  public let whiteouts: [Whiteout]

  /// Compares what is in `tree` now with what `image` had; `ownership` is what is pretended now, and of the excluded paths nothing is said.
  ///
  /// - Throws: what reading the tree throws.
  public init(
    _ tree: ScratchTree, of image: UnpackedImage, ownership: Ownership, rules: PermissionRules,
    excluding excluded: [String]
  ) throws {
    let comparison = try Comparison(tree, image, ownership, excluded: excluded.map { Array($0.utf8) })
    try ownership.absent.fill(comparison.absent, in: OpenDirectory(tree.root))
    whiteouts = comparison.whiteouts
    packed = ScratchLayer(
      tree, ownership: ownership, packing: .machine, rules: rules, excluding: excluded,
      including: comparison.changed)
  }

  /// See `TarRecipe`.
  public var dialect: TarDialect { packed.dialect }

  /// See `TarRecipe`.
  public func members() throws -> any TarMembers { try packed.members() }

  /// What is different from before.
  private struct Comparison {
    /// What the layer has, with the directories on the way.
    var changed: Set<[UInt8]> = [[]]
    var whiteouts: [Whiteout] = []
    /// What the layer has, and the disk has no content of.
    var absent: [FileIdentity: [UInt8]] = [:]

    init(
      _ tree: ScratchTree, _ image: UnpackedImage, _ ownership: Ownership, excluded: [[UInt8]]
    ) throws {
      // Of a directory only what is told of it counts: one that was made anew may or may not have the number of the old one.
      var directories: Set<[UInt8]> = []
      var others: Set<[UInt8]> = []
      let walk = try TreeWalk(tree.root.appending("."), order: .bytes)
      while let entry = try walk.next() {
        if Self.isExcluded(entry.path, excluded) { continue }
        let isDirectory = entry.status.type == .directory
        if isDirectory { directories.insert(entry.path) } else { others.insert(entry.path) }
        let now = try UnpackedImage.Snapshot(entry, ownership)
        if image.snapshots[entry.path] == now { continue }
        include(entry.path)
        let identity = entry.status.identity
        if ownership.absent[identity] != nil { absent[identity] = entry.path }
      }
      image.view.forEach { path, entry in
        let path = path.bytes
        if Self.isExcluded(path, excluded) || directories.contains(path) || others.contains(path) { return }
        // What is in a directory that is gone is gone with it.
        let (parent, _) = FileSystemPath.split(path)
        guard parent.isEmpty || directories.contains(Array(parent)) else { return }
        whiteouts.append(Whiteout(path: path, isOpaque: false))
        include(Array(parent))
      }
    }

    private mutating func include(_ path: [UInt8]) {
      var path = path
      while changed.insert(path).inserted { path = Array(FileSystemPath.split(path).parent) }
    }

    private static func isExcluded(_ path: [UInt8], _ excluded: [[UInt8]]) -> Bool {
      excluded.contains { FileSystemPath.isInside(path, $0) }
    }
  }
}
