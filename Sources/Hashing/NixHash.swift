/// The hash functions that Nix names content by.
public enum NixHashAlgorithm: String, Sendable, CaseIterable {
  case md5
  case sha1
  case sha256
  case sha512

  /// The length of a hash in bytes.
  public var byteCount: Int {
    switch self {
    case .md5: 16
    case .sha1: 20
    case .sha256: 32
    case .sha512: 64
    }
  }
}

/// A hash in the forms that Nix writes and reads (nix-integration.md, section 3).
///
/// Only the text: MD5 and SHA-1 cannot be computed here.
public struct NixHash: Hashable, Sendable {
  /// The hash function.
  public let algorithm: NixHashAlgorithm
  /// The result, `algorithm.byteCount` bytes.
  public let bytes: [UInt8]

  /// A hash of known bytes, or nil when their number is wrong.
  public init?(algorithm: NixHashAlgorithm, bytes: [UInt8]) {
    guard bytes.count == algorithm.byteCount else { return nil }
    self.algorithm = algorithm
    self.bytes = bytes
  }

  /// The same hash, or nil for SHA-384, which Nix does not have.
  public init?(_ digest: Digest) {
    guard let algorithm = NixHashAlgorithm(rawValue: digest.algorithm.rawValue) else { return nil }
    self.init(algorithm: algorithm, bytes: digest.bytes)
  }

  /// The same hash, or nil for those that are too weak to name content here.
  public var digest: Digest? {
    DigestAlgorithm(rawValue: algorithm.rawValue).map { Digest(algorithm: $0, bytes: bytes) }
  }

  /// Reads `TYPE-BASE64` (SRI), `TYPE:HASH`, or `HASH` alone when the algorithm is known; HASH is
  /// hexadecimal, base 32 or base 64, told apart by its length.
  ///
  /// - Parameter algorithm: What the hash must be of; the text may leave it out then.
  public init(parsing text: String, algorithm: NixHashAlgorithm? = nil) throws(NixHashError) {
    let separator = text.utf8.firstIndex { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "-") }
    var rest = text[...]
    var named: NixHashAlgorithm?
    if let separator {
      named = NixHashAlgorithm(rawValue: String(text[..<separator]))
      if named == nil { throw .unknownAlgorithm(text) }
      rest = text[text.utf8.index(after: separator)...]
    }
    if let algorithm, let named, algorithm != named { throw .otherAlgorithm(text, expected: algorithm) }
    guard let known = named ?? algorithm else { throw .missingAlgorithm(text) }
    let isSRI = separator.map { text.utf8[$0] == UInt8(ascii: "-") } ?? false
    let bytes = isSRI ? Base64.decode(rest) : Self.decode(rest, byteCount: known.byteCount)
    guard let bytes, bytes.count == known.byteCount else { throw .malformed(text, known) }
    self.algorithm = known
    self.bytes = bytes
  }

  private static func decode(_ text: Substring, byteCount: Int) -> [UInt8]? {
    switch text.utf8.count {
    case byteCount * 2: Hexadecimal.decode(text.lowercased())
    case NixBase32.digitCount(byteCount: byteCount): NixBase32.decode(text)
    default: Base64.decode(text)
    }
  }

  /// The form of subresource integrity: `sha256-` and base 64.
  public var sri: String { "\(algorithm.rawValue)-\(Base64.encode(bytes))" }

  /// Base 32, without the algorithm.
  public var base32: String { NixBase32.encode(bytes) }

  /// Hexadecimal, without the algorithm.
  public var hex: String { Hexadecimal.encode(bytes) }
}

extension NixHash: CustomStringConvertible {
  /// The form of subresource integrity.
  public var description: String { sri }
}

/// Why a text is not a hash of Nix's.
public enum NixHashError: Error, Hashable, CustomStringConvertible {
  /// The text names an algorithm that Nix does not have.
  case unknownAlgorithm(String)
  /// The text names another algorithm than the expected one.
  case otherAlgorithm(String, expected: NixHashAlgorithm)
  /// Neither the text nor the caller says which algorithm it is.
  case missingAlgorithm(String)
  /// The rest has the wrong length or a foreign character.
  case malformed(String, NixHashAlgorithm)

  /// One line for people.
  public var description: String {
    switch self {
    case .unknownAlgorithm(let text):
      "hash “\(text)” is of an unknown kind; expected sha256-, sha512-, sha1- or md5- and base 64"
    case .otherAlgorithm(let text, let expected): "hash “\(text)” is not of the expected kind \(expected)"
    case .missingAlgorithm(let text):
      "hash “\(text)” does not say its kind; write sha256:\(text), or the form sha256-BASE64="
    case .malformed(let text, let algorithm):
      "“\(text)” is not a \(algorithm) hash: expected \(algorithm.byteCount) bytes in base 16, 32 or 64"
    }
  }
}
