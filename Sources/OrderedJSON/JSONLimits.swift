/// What a document may ask for before it is refused.
public struct JSONLimits: Sendable, Hashable {
  /// The greatest length of the document in bytes.
  public var byteCount: Int
  /// How many lists and objects may lie in each other.
  public var depth: Int

  /// Limits for documents of any kind: 256 MiB (the graph of a big closure has tens), depth 100.
  public init(byteCount: Int = 256 << 20, depth: Int = 100) {
    self.byteCount = byteCount
    self.depth = depth
  }

  /// Limits for manifests, indexes and image configs: 4 MiB (distribution-spec, "Pushing Manifests"), depth
  /// 100.
  public static let manifest = JSONLimits(byteCount: 4 << 20)
}
