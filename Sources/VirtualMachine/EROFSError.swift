/// What an EROFS image cannot hold, or input that is not one tree.
public enum EROFSError: Error, Hashable, CustomStringConvertible {
  /// A name leads out of the tree or has a part that no file system can hold; why.
  case badName([UInt8], reason: String)
  /// Two entries have one name.
  case duplicate([UInt8])
  /// The root is not the first entry.
  case rootNotFirst
  /// A hard link's file is not there, or is a directory.
  case brokenLink([UInt8], target: [UInt8])
  /// A number does not fit; which, and its value.
  case number([UInt8], field: String, value: Int64)
  /// An extended attribute that the format has no place for; why.
  case attribute([UInt8], name: [UInt8], reason: String)
  /// The type of a member is none of a file.
  case badType([UInt8], type: UInt8)
  /// More than 2^32 blocks of 4 KiB.
  case tooLarge

  /// One line for people.
  public var description: String {
    switch self {
    case .badName(let path, let reason): "\(Self.text(path)) cannot be in an EROFS image: \(reason)"
    case .duplicate(let path): "\(Self.text(path)) is there twice"
    case .rootNotFirst: "the root directory must come before everything else in an EROFS image"
    case .brokenLink(let path, let target):
      "\(Self.text(path)) is another name of \(Self.text(target)), which is no file of the image"
    case .number(let path, let field, let value):
      "\(Self.text(path)) cannot be in an EROFS image: its \(field), \(value), does not fit"
    case .attribute(let path, let name, let reason):
      "\(Self.text(path)) cannot be in an EROFS image with the extended attribute \(Self.text(name)): \(reason)"
    case .badType(let path, let type):
      "\(Self.text(path)) is a member of type “\(Character(UnicodeScalar(type)))”, which no file has"
    case .tooLarge: "an EROFS image has at most 16 TiB"
    }
  }

  /// A name for people, of which only the beginning is shown.
  private static func text(_ name: [UInt8]) -> String {
    String(reflecting: String(decoding: name.prefix(300), as: UTF8.self))
  }
}
