public import Hashing

/// What a reference graph says of one store path.
public struct ClosureNode: Sendable, Hashable {
  /// The path.
  public let path: StorePath
  /// SHA-256 of its archive (NAR); not every kind of graph has it.
  public var narHash: NixHash?
  /// The size of its archive in bytes; not every kind of graph has it.
  public var narSize: Int64?
  /// What it was built from.
  public let deriver: StorePath?
  /// What it refers to, perhaps itself.
  public let references: [StorePath]

  /// A node of a graph.
  public init(
    path: StorePath, narHash: NixHash? = nil, narSize: Int64? = nil, deriver: StorePath? = nil,
    references: [StorePath]
  ) {
    self.path = path
    self.narHash = narHash
    self.narSize = narSize
    self.deriver = deriver
    self.references = references
  }
}
