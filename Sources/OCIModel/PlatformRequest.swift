/// The machine that an image is wanted for.
public struct PlatformRequest: Hashable, Sendable {
  /// The operating system in Go's spelling: `linux`.
  public let os: String
  /// The processor in Go's spelling: `amd64`.
  public let architecture: String
  /// The revision of the processor; nil takes an image for any, or the best known.
  public let variant: String?

  /// A request; an empty variant is none.
  public init(os: String, architecture: String, variant: String? = nil) {
    self.os = os
    self.architecture = architecture
    self.variant = variant?.isEmpty == true ? nil : variant
  }

  /// Revisions from the newest to the oldest; each runs what is made for those after it.
  private static let revisions = ["arm": ["v8", "v7", "v6", "v5"], "arm64": ["v8"]]

  /// The variants that do, best first; nil is an entry without variant (docker-archive-bytes.md, "Choosing
  /// from an index").
  var acceptableVariants: [String?] {
    let known: [String?] = Self.revisions[architecture] ?? []
    guard let variant else { return [nil] + known }
    guard let position = known.firstIndex(of: variant) else { return [variant, nil] }
    return Array(known[position...]) + [nil]
  }
}

extension PlatformRequest: CustomStringConvertible {
  /// `linux/arm64/v8`.
  public var description: String { "\(os)/\(architecture)" + (variant.map { "/" + $0 } ?? "") }
}
