import CCrypto

/// Computes a digest of bytes that arrive in pieces.
///
/// Pieces of 4 KiB and more run at the full speed of the processor's SHA instructions.
public struct ContentHasher: ~Copyable {
  /// The hash function in use.
  public let algorithm: DigestAlgorithm
  private let context: OpaquePointer

  /// A hasher that has seen nothing yet.
  public init(_ algorithm: DigestAlgorithm = .sha256) {
    self.init(algorithm, context: Self.newContext())
    let started = EVP_DigestInit_ex2(context, algorithm.implementation, nil)
    precondition(started == 1, "OpenSSL cannot start \(algorithm)")
  }

  private init(_ algorithm: DigestAlgorithm, context: OpaquePointer) {
    self.algorithm = algorithm
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Adds the next piece.
  public mutating func update(_ piece: RawSpan) {
    piece.withUnsafeBytes { bytes in
      let added = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
      precondition(added == 1, "OpenSSL cannot continue \(algorithm)")
    }
  }

  /// Adds the next piece.
  public mutating func update(_ piece: some Collection<UInt8>) {
    let done: Void? = piece.withContiguousStorageIfAvailable { update($0.span.bytes) }
    if done == nil { update(Array(piece).span.bytes) }
  }

  /// A second hasher in the same state, to which other bytes may be added.
  public borrowing func copy() -> ContentHasher {
    let other = Self.newContext()
    let copied = EVP_MD_CTX_copy_ex(other, context)
    precondition(copied == 1, "OpenSSL cannot copy \(algorithm)")
    return ContentHasher(algorithm, context: other)
  }

  /// The digest of all pieces.
  public consuming func finalize() -> Digest {
    let count = algorithm.byteCount
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      let finished = EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
      precondition(finished == 1, "OpenSSL cannot finish \(algorithm)")
      initialized = count
    }
    return Digest(algorithm: algorithm, bytes: bytes)
  }

  private static func newContext() -> OpaquePointer {
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory for a hash") }
    return context
  }
}

extension DigestAlgorithm {
  /// OpenSSL's implementation, fetched once: looking it up costs as much as hashing 700 bytes.
  fileprivate var implementation: OpaquePointer? {
    switch self {
    case .sha256: Self.fetched[0]
    case .sha384: Self.fetched[1]
    case .sha512: Self.fetched[2]
    }
  }

  /// Never freed and never changed, so it may be used from any thread.
  private nonisolated(unsafe) static let fetched: [OpaquePointer?] = [
    EVP_MD_fetch(nil, "SHA256", nil), EVP_MD_fetch(nil, "SHA384", nil), EVP_MD_fetch(nil, "SHA512", nil),
  ]
}
