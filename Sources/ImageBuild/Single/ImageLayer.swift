import ArchiveIO

/// The layer of `buildImage`: its contents, and behind them what is removed of the base and store paths, in one tar.
public struct ImageLayer: TarRecipe {
  private let contents: any TarRecipe
  private let whiteouts: [Whiteout]
  private let store: StoreFiles

  /// A layer of a tree in memory.
  public init(_ contents: TreeLayer, _ whiteouts: [Whiteout], _ store: StoreFiles) {
    self.init(of: contents, whiteouts, store)
  }

  /// A layer of a tree on disk.
  public init(_ contents: ScratchLayer, _ whiteouts: [Whiteout], _ store: StoreFiles) {
    self.init(of: contents, whiteouts, store)
  }

  /// A layer of what was changed by scripts; what of the base those removed counts, too.
  public init(_ contents: ChangedLayer, _ whiteouts: [Whiteout], _ store: StoreFiles) {
    self.init(of: contents, contents.whiteouts + whiteouts, store)
  }

  private init(of contents: any TarRecipe, _ whiteouts: [Whiteout], _ store: StoreFiles) {
    (self.contents, self.whiteouts, self.store) = (contents, whiteouts, store)
  }

  var dialect: TarDialect { contents.dialect }

  func members() throws -> any TarMembers {
    JoinedMembers([try contents.members(), Whiteout.Members(whiteouts), store.members()])
  }

  /// The tarsum of the contents, without the store paths; Docker's first versions knew layers by it.
  func contentsTarsum() throws -> String { try Tarsum.sum(of: contents.members()) }
}
