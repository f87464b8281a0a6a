public import ArchiveIO

/// The layer of `buildImage`: its contents, and behind them what is removed of the base and store paths, in one tar.
public struct ImageLayer: TarRecipe {
  private let contents: any TarRecipe
  private let whiteouts: [Whiteout]
  private let store: StoreFiles

  /// A layer of contents: a tree in memory or on disk, or what scripts changed.
  public init(_ contents: any TarRecipe, _ whiteouts: [Whiteout], _ store: StoreFiles) {
    (self.contents, self.whiteouts, self.store) = (contents, whiteouts, store)
  }

  /// See `TarRecipe`.
  public var dialect: TarDialect { contents.dialect }

  /// See `TarRecipe`.
  public func members() throws -> any TarMembers {
    JoinedMembers([try contents.members(), Whiteout.Members(whiteouts), store.members()])
  }

  /// The tarsum of the contents, without the store paths; Docker's first versions knew layers by it.
  func contentsTarsum() throws -> String { try Tarsum.sum(of: contents.members()) }
}
