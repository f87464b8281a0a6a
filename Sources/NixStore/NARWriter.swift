public import Hashing

/// Computes the hash of a Nix archive (NAR) of a file or a tree, without making the archive.
///
/// The caller walks through the tree and tells what is there; see nix-integration.md, section 3, for the
/// format. Entries of a directory must come sorted by the bytes of their names, each with exactly one node
/// between `beginEntry` and `endEntry`.
public struct NARWriter: ~Copyable {
  private var hasher: ContentHasher
  /// The length of the archive up to here, in bytes.
  public private(set) var byteCount: Int64 = 0
  private var fileByteCount: Int64 = 0
  private var missingByteCount: Int64 = 0
  /// The last name in each open directory.
  private var lastNames: [[UInt8]?] = []

  /// An archive without a node yet.
  ///
  /// - Parameter algorithm: What the hash is computed with; store paths need SHA-256.
  public init(_ algorithm: DigestAlgorithm = .sha256) {
    hasher = ContentHasher(algorithm)
    write("nix-archive-1")
  }

  /// A symbolic link.
  public mutating func symlink(target: [UInt8]) {
    for text in ["(", "type", "symlink", "target"] { write(text) }
    write(target)
    write(")")
  }

  /// A file; its bytes follow through `append`.
  ///
  /// - Parameter isExecutable: Whether the owner may execute it.
  public mutating func beginFile(isExecutable: Bool, byteCount: Int64) {
    for text in ["(", "type", "regular"] { write(text) }
    if isExecutable {
      write("executable")
      write("")
    }
    write("contents")
    writeLength(byteCount)
    fileByteCount = byteCount
    missingByteCount = byteCount
  }

  /// The next bytes of the file.
  public mutating func append(_ piece: RawSpan) {
    missingByteCount -= Int64(piece.byteCount)
    write(raw: piece)
  }

  /// The end of the file.
  ///
  /// Throws when there were more or fewer bytes than announced.
  public mutating func endFile() throws(NARError) {
    guard missingByteCount == 0 else {
      throw .fileChanged(expected: fileByteCount, found: fileByteCount - missingByteCount)
    }
    pad(after: fileByteCount)
    write(")")
  }

  /// A directory; its entries follow.
  public mutating func beginDirectory() {
    for text in ["(", "type", "directory"] { write(text) }
    lastNames.append(nil)
  }

  /// An entry of the innermost directory; its node follows.
  ///
  /// - Precondition: The name is greater than the one before.
  public mutating func beginEntry(name: [UInt8]) {
    let last = lastNames[lastNames.count - 1]
    precondition(last.map { $0.lexicographicallyPrecedes(name) } ?? true, "names of a NAR out of order")
    lastNames[lastNames.count - 1] = name
    for text in ["entry", "(", "name"] { write(text) }
    write(name)
    write("node")
  }

  /// The end of an entry.
  public mutating func endEntry() { write(")") }

  /// The end of the innermost directory.
  public mutating func endDirectory() {
    lastNames.removeLast()
    write(")")
  }

  /// The hash of the archive.
  public consuming func finalize() -> Digest { hasher.finalize() }

  private mutating func write(_ text: String) { write(Array(text.utf8)) }

  private mutating func write(_ bytes: [UInt8]) {
    writeLength(Int64(bytes.count))
    write(raw: bytes.span.bytes)
    pad(after: Int64(bytes.count))
  }

  private mutating func writeLength(_ count: Int64) {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * Int64($0))) }
    write(raw: bytes.span.bytes)
  }

  private mutating func pad(after count: Int64) {
    let zeros = [UInt8](repeating: 0, count: Int((8 - count % 8) % 8))
    write(raw: zeros.span.bytes)
  }

  private mutating func write(raw piece: RawSpan) {
    byteCount += Int64(piece.byteCount)
    hasher.update(piece)
  }
}

/// Why a tree cannot be hashed.
public enum NARError: Error, Hashable, CustomStringConvertible {
  /// A file had another length than at first. Both in bytes.
  case fileChanged(expected: Int64, found: Int64)
  /// Something is neither a file, a directory nor a symbolic link.
  case unsupportedType(path: String)

  /// One line for people.
  public var description: String {
    switch self {
    case .fileChanged(let expected, let found):
      "a file changed while it was read: \(expected) bytes were expected, \(found) were found"
    case .unsupportedType(let path): "\(path) is no file, directory or symbolic link; a store has no others"
    }
  }
}
