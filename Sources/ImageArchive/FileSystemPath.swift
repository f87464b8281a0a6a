import ArchiveIO

/// A path in the file system of an image, without a slash in front: the root is empty.
public struct FileSystemPath: Sendable, Hashable, CustomStringConvertible {
  /// The bytes.
  public let bytes: [UInt8]

  static let slash = UInt8(ascii: "/")

  /// A path of these bytes, taken as they are.
  public init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

  /// The beginning of the path in quotation marks, control characters escaped.
  public var description: String { String(reflecting: String(decoding: bytes.prefix(300), as: UTF8.self)) }

  /// The path of the directory, and the name in it.
  public static func split(_ path: [UInt8]) -> (parent: ArraySlice<UInt8>, name: ArraySlice<UInt8>) {
    LayerName.split(path)
  }

  /// The path of a name in a directory; an empty path is the root's.
  public static func joined(_ parent: some Collection<UInt8>, _ name: some Collection<UInt8>) -> [UInt8] {
    parent.isEmpty ? Array(name) : Array(parent) + [slash] + Array(name)
  }

  /// Whether `path` is `directory`, or something in it.
  public static func isInside(_ path: [UInt8], _ directory: [UInt8]) -> Bool {
    path.starts(with: directory) && (path.count == directory.count || path[directory.count] == slash)
  }
}

/// Why the layers of an image make no file system.
public enum FileSystemError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A name leads out of the file system.
  case leadsOut(FileSystemPath)
  /// A name is longer than any path may be.
  case nameTooLong(FileSystemPath)
  /// A whiteout of nothing, of the directory itself, or of the one above.
  case badWhiteout(FileSystemPath)
  /// A member of a type that file systems do not have.
  case unknownType(FileSystemPath, UInt8)
  /// A hard link to what is not there, or to a directory.
  case brokenLink(FileSystemPath, target: FileSystemPath)
  /// Symbolic links among the directories of a path lead in a circle.
  case tooManyLinks(FileSystemPath)
  /// The root would become something else than a directory.
  case rootReplaced
  /// More names than any honest image has.
  case tooLarge

  /// What `body` finds out about a name of a layer.
  static func naming<Value>(_ body: () throws(LayerNameError) -> Value) throws(FileSystemError) -> Value {
    do { return try body() } catch {
      switch error {
      case .leadsOut(let name): throw .leadsOut(FileSystemPath(name))
      case .badWhiteout(let path): throw .badWhiteout(FileSystemPath(path))
      }
    }
  }

  /// One line for people.
  public var description: String {
    switch self {
    case .leadsOut(let path): "the name \(path) leads out of the image"
    case .nameTooLong(let path): "the name that begins with \(path) is longer than a path may be"
    case .badWhiteout(let path): "the whiteout \(path) removes nothing that can be removed"
    case .unknownType(let path, let type): "\(path) is of a type that is not understood (\(type))"
    case .brokenLink(let path, let target):
      "the hard link \(path) leads to \(target), which is no file of the image"
    case .tooManyLinks(let path): "symbolic links on the way to \(path) lead in a circle"
    case .rootReplaced: "a layer puts something else in the place of the root directory"
    case .tooLarge: "there are more names than in any honest image"
    }
  }
}
