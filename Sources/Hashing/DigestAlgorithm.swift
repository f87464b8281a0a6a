/// The hash functions that content may be named by.
///
/// Only those that image-spec registers ("Digests", "Registered Algorithms") and that OpenSSL computes. Content named by any
/// other algorithm cannot be checked, so it is refused where the digest is parsed.
public enum DigestAlgorithm: String, Sendable, CaseIterable {
  case sha256
  case sha384
  case sha512

  /// The length of a digest in bytes.
  public var byteCount: Int {
    switch self {
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    }
  }
}
