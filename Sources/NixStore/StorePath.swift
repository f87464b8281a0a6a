public import Hashing

/// The name of something in a Nix store: `/nix/store/HASH-NAME` (nix-integration.md, sections 2 and 3).
public struct StorePath: Hashable, Sendable {
  /// The directory of the store.
  public let storeDirectory: String
  /// 32 digits of Nix's base 32.
  public let hashPart: String
  /// What follows the hash.
  public let name: String

  /// The usual directory of a store.
  public static let defaultStoreDirectory = "/nix/store"

  /// Reads the path of something in a store; paths of files inside of it are refused.
  public init(parsing path: String, storeDirectory: String = defaultStoreDirectory) throws(StorePathError) {
    guard path.utf8.starts(with: storeDirectory.utf8) else { throw .outside(path, storeDirectory) }
    let rest = Array(path.utf8.dropFirst(storeDirectory.utf8.count))
    guard rest.first == UInt8(ascii: "/") else { throw .outside(path, storeDirectory) }
    let hash = String(decoding: rest.dropFirst().prefix(32), as: UTF8.self)
    guard NixBase32.decode(hash)?.count == 20, rest.dropFirst(33).first == UInt8(ascii: "-") else {
      throw .malformedHash(path)
    }
    try self.init(
      storeDirectory: storeDirectory, hashPart: hash,
      name: String(decoding: rest.dropFirst(34), as: UTF8.self))
  }

  private init(storeDirectory: String, hashPart: String, name: String) throws(StorePathError) {
    try Self.check(name: name)
    self.storeDirectory = storeDirectory
    self.hashPart = hashPart
    self.name = name
  }

  /// The last part of the path: `HASH-NAME`.
  public var baseName: String { "\(hashPart)-\(name)" }

  private static func check(name: String) throws(StorePathError) {
    guard !name.isEmpty, name.utf8.count <= 211 else { throw .nameLength(name) }
    guard name.utf8.allSatisfy(isNameCharacter) else { throw .nameCharacter(name) }
    // `.` and `..` before a hyphen would look like directories to some tools, and Nix refuses them.
    let stem = name.prefix { $0 != "-" }
    guard stem != ".", stem != ".." else { throw .nameCharacter(name) }
  }

  static func isNameCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "+._?=-".utf8.contains(byte)
    }
  }
}

extension StorePath: CustomStringConvertible {
  /// The whole path.
  public var description: String { "\(storeDirectory)/\(baseName)" }
}

extension StorePath {
  /// What a fixed output is hashed as.
  public enum Method: Sendable, Hashable {
    /// The bytes of a single file.
    case flat
    /// The archive (NAR) of a file or a tree.
    case recursive
  }

  /// Where Nix keeps a file that is known by the hash of its bytes, such as the result of `pullImage`.
  public static func fixedOutput(
    flat digest: Digest, name: String, storeDirectory: String = defaultStoreDirectory
  ) throws(StorePathError) -> StorePath {
    guard let hash = NixHash(digest) else { throw .unknownAlgorithm(digest) }
    return try fixedOutput(hash, method: .flat, name: name, storeDirectory: storeDirectory)
  }

  /// Where Nix keeps something that is known by its hash.
  public static func fixedOutput(
    _ hash: NixHash, method: Method, name: String, storeDirectory: String = defaultStoreDirectory
  ) throws(StorePathError) -> StorePath {
    if method == .recursive, hash.algorithm == .sha256 {
      return try make(type: "source", inner: hash.hex, name: name, storeDirectory: storeDirectory)
    }
    let recursive = method == .recursive ? "r:" : ""
    let inner = Digest(of: "fixed:out:\(recursive)\(hash.algorithm.rawValue):\(hash.hex):".utf8)
    return try make(type: "output:out", inner: inner.hex, name: name, storeDirectory: storeDirectory)
  }

  /// Where Nix keeps a text that refers to other paths.
  ///
  /// - Parameter digest: SHA-256 of the text.
  public static func text(
    _ digest: Digest, references: [StorePath], name: String, storeDirectory: String = defaultStoreDirectory
  ) throws(StorePathError) -> StorePath {
    guard digest.algorithm == .sha256 else { throw .unknownAlgorithm(digest) }
    let sorted = Set(references.map(\.description)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let type = (["text"] + sorted).joined(separator: ":")
    return try make(type: type, inner: digest.hex, name: name, storeDirectory: storeDirectory)
  }

  private static func make(
    type: String, inner: String, name: String, storeDirectory: String
  ) throws(StorePathError) -> StorePath {
    let whole = Digest(of: "\(type):sha256:\(inner):\(storeDirectory):\(name)".utf8)
    var folded = [UInt8](repeating: 0, count: 20)
    for (position, byte) in whole.bytes.enumerated() { folded[position % 20] ^= byte }
    return try StorePath(storeDirectory: storeDirectory, hashPart: NixBase32.encode(folded), name: name)
  }
}

/// Why something is not, or cannot be, a store path.
public enum StorePathError: Error, Hashable, CustomStringConvertible {
  /// The path does not begin with the directory of a store.
  case notAbsolute(String)
  /// The path is not directly in the store's directory.
  case outside(String, String)
  /// No 32 digits of base 32 and a hyphen come first.
  case malformedHash(String)
  /// The name is empty or has more than 211 bytes.
  case nameLength(String)
  /// The name has a character that Nix does not allow.
  case nameCharacter(String)
  /// Nix has no paths by that hash.
  case unknownAlgorithm(Digest)

  /// One line for people.
  public var description: String {
    switch self {
    case .notAbsolute(let path):
      "“\(path)” is not a store path: expected one like \(StorePath.defaultStoreDirectory)/HASH-NAME"
    case .outside(let path, let store): "“\(path)” is not in the store \(store)"
    case .malformedHash(let path):
      "“\(path)” is not a store path: expected 32 digits of Nix's base 32, a hyphen and a name"
    case .nameLength(let name):
      "store path name “\(name)” has \(name.utf8.count) bytes; 1 to 211 are allowed"
    case .nameCharacter(let name):
      "store path name “\(name)” is not allowed: only letters, digits and + . _ ? = -, not beginning with . or .. alone"
    case .unknownAlgorithm(let digest): "Nix has no store paths by \(digest.algorithm) (\(digest))"
    }
  }
}
