/// The name of some content: a hash function and its result.
///
/// Image-spec, "Digests". Equality is equality of algorithm and bytes; the text has exactly one spelling.
public struct Digest: Sendable, Hashable {
  /// The hash function.
  public let algorithm: DigestAlgorithm
  /// The result, `algorithm.byteCount` bytes.
  public let bytes: [UInt8]

  /// A digest of known bytes.
  ///
  /// - Precondition: `bytes` has the algorithm's length.
  public init(algorithm: DigestAlgorithm, bytes: [UInt8]) {
    precondition(bytes.count == algorithm.byteCount, "a \(algorithm) digest of \(bytes.count) bytes")
    self.algorithm = algorithm
    self.bytes = bytes
  }

  /// The digest of `content`.
  public init(of content: some Collection<UInt8>, algorithm: DigestAlgorithm = .sha256) {
    var hasher = ContentHasher(algorithm)
    let done: Void? = content.withContiguousStorageIfAvailable { hasher.update($0.span.bytes) }
    if done == nil { hasher.update(Array(content).span.bytes) }
    self = hasher.finalize()
  }

  /// Reads `algorithm:hex`.
  ///
  /// The digits must be lower case and as many as the algorithm has; the text may become a file name without further checks.
  public init(parsing text: some StringProtocol) throws(DigestError) {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
      throw .malformed(String(text))
    }
    guard let algorithm = DigestAlgorithm(rawValue: String(text[..<colon])) else {
      throw .unknownAlgorithm(String(text))
    }
    guard let bytes = Hexadecimal.decode(text[text.utf8.index(after: colon)...]),
      bytes.count == algorithm.byteCount
    else { throw .malformed(String(text)) }
    self.init(algorithm: algorithm, bytes: bytes)
  }

  /// The result in hexadecimal, without the algorithm.
  public var hex: String { Hexadecimal.encode(bytes) }
}

extension Digest: CustomStringConvertible {
  /// `algorithm:hex`, as in every document of the OCI specifications.
  public var description: String { "\(algorithm.rawValue):\(hex)" }
}

/// Why a text is not a digest.
public enum DigestError: Error, Hashable, CustomStringConvertible {
  /// The algorithm is not one that can be checked here.
  case unknownAlgorithm(String)
  /// There is no colon, or the digits are too few, too many, upper case, or no digits.
  case malformed(String)

  /// One line for people.
  public var description: String {
    switch self {
    case .unknownAlgorithm(let text):
      "digest “\(text)” uses an algorithm that cannot be checked; sha256, sha384 and sha512 can"
    case .malformed(let text):
      "“\(text)” is not a digest: expected sha256: and 64 lower-case hexadecimal digits (sha512: and 128)"
    }
  }
}
