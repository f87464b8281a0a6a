public import Hashing

/// Where the bytes of one blob go while they arrive from a registry.
///
/// The registry client calls it from one thread at a time. A receiver checks what it is given: only it knows what
/// an earlier run left, and it must not let anything out that did not pass the check.
public protocol BlobReceiver: AnyObject, Sendable {
  /// The number of leading bytes that need not be sent (again). The client asks for the bytes after them.
  var receivedByteCount: Int64 { get }

  /// Takes the next bytes.
  ///
  /// Returns false when there is no room for them now: nothing was taken, and the same bytes must be offered again after the
  /// receiver called the closure given to `setResumption`.
  func receive(_ bytes: RawSpan) throws -> Bool

  /// How the receiver tells that it has room again. Called by the client before the first byte of each attempt.
  func setResumption(_ resume: @escaping @Sendable () -> Void)

  /// Forgets everything that was received; `receivedByteCount` is 0 afterwards.
  ///
  /// The client calls it when the bytes turn out wrong, or when the registry cannot continue in the middle.
  func restart() throws

  /// Tells that all bytes were given. Throws `ContentMismatch` when digest or size are not the expected ones.
  func finish() throws
}

/// Content that is not what its descriptor says.
public struct ContentMismatch: Error, Hashable, CustomStringConvertible {
  /// What was checked, for people: `layer 3 of 7`, `config`, `manifest`.
  public let subject: String
  /// The digest that was asked for.
  public let expected: Digest
  /// The digest of what came, or nil when its length was already wrong.
  public let found: Digest?
  /// The expected length in bytes, where one was promised.
  public let expectedByteCount: Int64?
  /// The length in bytes of what came; one more than the promise where reading stopped there.
  public let foundByteCount: Int64

  /// A mismatch of digest, or of length when `found` is nil.
  public init(
    subject: String, expected: Digest, found: Digest?, expectedByteCount: Int64?, foundByteCount: Int64
  ) {
    self.subject = subject
    self.expected = expected
    self.found = found
    self.expectedByteCount = expectedByteCount
    self.foundByteCount = foundByteCount
  }

  /// One line for people.
  public var description: String {
    if let found {
      "\(subject): expected \(expected), but the \(foundByteCount) bytes received have \(found)"
    } else if let expectedByteCount, foundByteCount > expectedByteCount {
      "\(subject): \(expected) has \(expectedByteCount) bytes, but more were sent"
    } else {
      "\(subject): \(expected) has \(expectedByteCount ?? 0) bytes, but only \(foundByteCount) were sent"
    }
  }
}
