/// Two items of `contents` have something different at the same path.
public struct ContentsConflict: Sendable, Hashable, CustomStringConvertible {
  /// The path in the image.
  public var path: String
  /// Whose is in the image.
  public var winner: String
  /// Whose is not.
  public var loser: String

  /// A conflict at a path of the image.
  public init(path: String, winner: String, loser: String) {
    self.path = path
    self.winner = winner
    self.loser = loser
  }

  /// One line for people.
  public var description: String {
    "“\(path)” is in \(winner) and, with other content, in \(loser); the image has the first"
  }
}

/// Why `contents` cannot be joined.
public enum ContentsError: Error, Hashable, CustomStringConvertible {
  /// An item is no directory.
  case notADirectory(String)
  /// A directory in one item is something else in another.
  case kinds(path: String, directory: String, other: String)
  /// A link has the name of another item's directory, and does not lead to a directory of the store.
  case link(path: String, link: String, directory: String)
  /// A link has the name of another item's directory, and leads to a directory that has it inside.
  case circle(path: String, link: String)
  /// Directories are inside each other without an end in sight.
  case tooDeep(String)

  /// One line for people.
  public var description: String {
    switch self {
    case .notADirectory(let path):
      "“contents” has \(path), which is no directory; give a directory that has it under the name it should get"
    case .kinds(let path, let directory, let other):
      "“\(path)” is a directory in \(directory) and something else in \(other); an image cannot have both"
    case .link(let path, let link, let directory):
      "“\(path)” is a directory in \(directory), and in \(link) a link that leads to no directory of the store"
    case .circle(let path, let link):
      "“\(path)” is a directory in one item, and \(link) a link to a directory that leads there again without end"
    case .tooDeep(let path): "“contents” has \(path), whose directories are too deep inside each other"
    }
  }
}
