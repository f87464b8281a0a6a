public import SystemPackage

/// A file operation that the system refused.
public struct FileError: Error, Hashable, CustomStringConvertible {
  /// What was attempted, as a verb: `write`, `create`, `read`.
  public let operation: String
  /// The file.
  public let path: String
  /// The system's reason.
  public let errno: Errno

  /// A refusal of `operation` on `path`.
  public init(_ operation: String, _ path: String, _ errno: Errno) {
    self.operation = operation
    self.path = path
    self.errno = errno
  }

  /// One line for people.
  public var description: String { "cannot \(operation) \(path): \(errno)" }
}
