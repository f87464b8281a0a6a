public import Hashing

/// Which of several images in one place is meant.
public enum ImageSelector: Sendable, Hashable {
  /// The one with this name: `NAME:TAG` in a docker-archive, the entry's name in a layout.
  case name(String)
  /// The one at this place of the list, from 0.
  case position(Int)
  /// The one with this digest.
  case digest(Digest)

  /// Reads what follows the path of a location: `NAME:TAG`, `@INDEX`, or `@DIGEST` (containers-transports(5)).
  public init(parsing text: String) {
    let rest = text.dropFirst()
    if text.utf8.first != UInt8(ascii: "@") {
      self = .name(text)
    } else if let position = Int(rest), position >= 0 {
      self = .position(position)
    } else if let digest = try? Digest(parsing: rest) {
      self = .digest(digest)
    } else {
      // Matches nothing, so the error tells what there is.
      self = .name(text)
    }
  }
}

extension ImageSelector: CustomStringConvertible {
  /// As it is written in a location.
  public var description: String {
    switch self {
    case .name(let name): name
    case .position(let position): "@\(position)"
    case .digest(let digest): "@\(digest)"
    }
  }
}

/// What there is to choose from in one place.
public struct ImageListing: Sendable, Hashable {
  /// The names, as they are written there.
  public let names: [String]
  /// The digest of the manifest or index, where it is known without looking into it.
  public let digest: Digest?

  /// An image with these names.
  public init(names: [String], digest: Digest?) {
    self.names = names
    self.digest = digest
  }
}
