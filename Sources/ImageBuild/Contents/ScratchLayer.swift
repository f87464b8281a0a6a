public import ArchiveIO
import ImageArchive
import SystemPackage

/// The tar of a tree on disk, as `tar --sort=name --numeric-owner --hard-dereference` of somebody who believes to be root packs it.
public struct ScratchLayer: TarRecipe {
  private let tree: ScratchTree
  private let ownership: Ownership
  private let packing: TreePacking
  private let rules: PermissionRules
  private let excluded: [[UInt8]]
  private let included: Set<[UInt8]>?

  /// A layer of everything in `tree`, or what is included, but the excluded paths and what is below them.
  public init(
    _ tree: ScratchTree, ownership: Ownership = Ownership(), packing: TreePacking = .customisation,
    rules: PermissionRules = PermissionRules([]), excluding excluded: [String] = [],
    including included: Set<[UInt8]>? = nil
  ) {
    self.included = included
    self.tree = tree
    self.ownership = ownership
    self.packing = packing
    self.rules = rules
    self.excluded = excluded.map { Array($0.utf8) }
  }

  /// See `TarRecipe`.
  public var dialect: TarDialect { packing.dialect }

  private func isExcluded(_ path: [UInt8]) -> Bool {
    excluded.contains { FileSystemPath.isInside(path, $0) }
  }

  /// See `TarRecipe`.
  public func members() throws -> any TarMembers { try Members(self) }

  private final class Members: TarMembers {
    private let layer: ScratchLayer
    private let walk: TreeWalk

    init(_ layer: ScratchLayer) throws {
      self.layer = layer
      walk = try TreeWalk(layer.tree.root.appending("."), order: .bytes)
    }

    func next() throws -> TarInput? {
      while let entry = try walk.next() {
        if !layer.isExcluded(entry.path), layer.included?.contains(entry.path) ?? true {
          return try input(entry)
        }
      }
      return nil
    }

    private func input(_ entry: TreeWalk.Entry) throws -> TarInput {
      // Otherwise all that matter are among what is pretended.
      let attributes = layer.ownership.trustsDisk ? try entry.extendedAttributes() : []
      return try entry.input(named: Array("./".utf8) + entry.path) { header in
        header.extendedAttributes = attributes
        header.modificationTime = TreePacking.time
        header.owner = layer.packing.owner
        layer.ownership.apply(to: &header, of: entry.status)
        layer.packing.name(&header.owner)
        layer.rules.apply(to: &header)
      }
    }
  }
}
