public import Hashing

/// A document: its bytes, which its digest is over, and what they mean.
///
/// The bytes are never made again from the value.
public struct Encoded<Value: Sendable>: Sendable {
  /// The document exactly as it was received, or as it is to be sent.
  public let bytes: [UInt8]
  /// The digest of `bytes`.
  public let digest: Digest
  /// What the bytes mean.
  public let value: Value

  /// Bytes and their meaning; the digest is computed here.
  public init(bytes: [UInt8], value: Value, digestAlgorithm: DigestAlgorithm = .sha256) {
    self.bytes = bytes
    self.digest = Digest(of: bytes, algorithm: digestAlgorithm)
    self.value = value
  }
}

extension Encoded: Equatable {
  /// Whether the bytes are the same.
  public static func == (left: Encoded, right: Encoded) -> Bool { left.bytes == right.bytes }
}
