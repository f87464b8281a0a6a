public import ArchiveIO
import Glibc
public import SystemPackage

/// A tree on disk that scripts may change, removed with the last use of this object.
public final class ScratchTree: Sendable {
  /// The directory that holds everything of this build.
  public let directory: FilePath
  /// The root of the tree.
  public let root: FilePath
  /// A directory beside it, with an empty `tmp` in it, for what running the scripts needs.
  public let work: FilePath

  /// Makes `tree` in a new directory in `parent`; only its owner can look into it.
  public init(_ tree: FileTree, in parent: FilePath) throws {
    var template = Array(parent.appending("cooper-build-XXXXXX").platformBytes) + [0]
    let made = template.withUnsafeMutableBytes {
      mkdtemp($0.assumingMemoryBound(to: CChar.self).baseAddress.unsafelyUnwrapped) != nil
    }
    guard made else { throw FileError("create a directory in", parent.string, Errno(rawValue: errno)) }
    directory = FilePath(platformBytes: Array(template.dropLast()))
    root = directory.appending("root")
    work = directory.appending("work")
    for path in [root, work, work.appending("tmp")] where mkdir(path.string, 0o755) != 0 {
      throw FileError("create the directory", path.string, Errno(rawValue: errno))
    }
    // Whatever the creation mask of the process is, the image's root is the same.
    chmod(root.string, 0o755)
    try tree.write(to: OpenDirectory(root))
  }

  deinit { OpenDirectory.removeTree(directory) }
}

/// The tar of a tree on disk, as `tar --sort=name --numeric-owner --hard-dereference` packs it under `fakeroot`.
public struct ScratchLayer: LayerRecipe {
  private let tree: ScratchTree
  private let ownership: Ownership
  private let rules: PermissionRules
  private let excluded: [[UInt8]]

  /// A layer of everything in `tree` but the excluded paths and what is below them.
  public init(
    _ tree: ScratchTree, ownership: Ownership, rules: PermissionRules = PermissionRules([]),
    excluding excluded: [String] = []
  ) {
    self.tree = tree
    self.ownership = ownership
    self.rules = rules
    self.excluded = excluded.map { Array($0.utf8) }
  }

  private func isExcluded(_ path: [UInt8]) -> Bool {
    excluded.contains {
      path.starts(with: $0) && (path.count == $0.count || path[$0.count] == UInt8(ascii: "/"))
    }
  }

  /// See `LayerRecipe`.
  public func open() throws -> any ByteSource { TarStream(try members(), TreeLayer.dialect) }

  /// See `LayerRecipe`.
  public func byteCount() throws -> Int64 { try members().byteCount(TreeLayer.dialect) }

  private func members() throws -> some TarMembers { try Members(self) }

  private final class Members: TarMembers {
    private let layer: ScratchLayer
    private let walk: TreeWalk

    init(_ layer: ScratchLayer) throws {
      self.layer = layer
      walk = try TreeWalk(layer.tree.root.appending("."), order: .bytes)
    }

    func next() throws -> TarInput? {
      while let entry = try walk.next() {
        if !layer.isExcluded(entry.path) { return try input(entry) }
      }
      return nil
    }

    private func input(_ entry: TreeWalk.Entry) throws -> TarInput {
      guard let type = entry.status.type else { throw LayeredImageError.socket(entry.description) }
      var header = TarHeader(
        name: Array("./".utf8) + entry.path, type: type,
        mode: type == .symbolicLink ? 0o777 : entry.status.mode, linkName: entry.linkTarget)
      header.modificationTime = TreeLayer.packingTime
      header.device = entry.status.device
      layer.ownership.apply(to: &header, of: entry.status)
      if header.type == .directory, !entry.path.isEmpty { header.name.append(UInt8(ascii: "/")) }
      layer.rules.apply(to: &header)
      guard header.type == .regular, entry.status.byteCount > 0 else { return TarInput(header: header) }
      header.byteCount = entry.status.byteCount
      return TarInput(header: header, content: .file(try entry.open()))
    }
  }
}
