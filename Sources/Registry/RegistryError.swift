public import HTTPTransport
public import Hashing
public import OCIModel

/// Why a registry could not be asked, or what it said instead.
///
/// No text in here holds a query string, a user's name in a URL, a token or a password.
public enum RegistryError: Error, Sendable {
  /// 404, or the registry's own code for it.
  case notFound(Refusal)
  /// 401 or 403 that stayed after everything that can be shown was shown. Many registries answer so for what does not exist.
  case denied(Refusal)
  /// 429, and either no attempt is left or the wait is too long. `until` is in seconds since 1970, where it was said.
  case rateLimited(Refusal, until: Int64?)
  /// Any other status that is not success.
  case refused(Refusal)
  /// No complete answer came.
  case transport(Attempt, TransportError)
  /// An answer that cannot be used; the text says what was expected and found.
  case unusable(Attempt, String)
  /// A redirect or a token server that must not be followed; the text says why.
  case unsafe(Attempt, String)
  /// What came is not what its digest names. The note says what else was odd about it.
  case mismatch(ContentMismatch, note: String?)
  /// The registry says that the bytes it was sent for `subject` do not have this digest.
  case wrongUpload(subject: String, Digest, Refusal)
  /// Credentials are configured but could not be read.
  case credentials(key: String, reason: String)
  /// No token could be had. `indirect` because the reason is an error of the token server's.
  indirect case token(for: String, RegistryError)
  /// The mirrors failed, and then the registry itself did, as the last part says.
  indirect case afterMirrors([MirrorFailure], RegistryError)

  /// A request that was made.
  public struct Attempt: Sendable, Hashable, CustomStringConvertible {
    /// The method, in capitals.
    public let method: String
    /// The URL without query, as text for people.
    public let url: String

    /// `GET https://host/path`.
    public var description: String { "\(method) \(url)" }
  }

  /// A mirror and what was wrong with it.
  public struct MirrorFailure: Sendable {
    /// The mirror's host.
    public let host: String
    /// What was wrong.
    public let error: RegistryError
  }

  /// The error that decides the exit status: what is inside of `token` and `afterMirrors`.
  public var root: RegistryError {
    switch self {
    case .token(_, let inner), .afterMirrors(_, let inner): inner.root
    default: self
    }
  }

  /// Whether the same request may succeed a moment later.
  ///
  /// A token request was repeated already where that could help.
  var isTransient: Bool {
    switch self {
    case .rateLimited: true
    case .refused(let refusal), .denied(let refusal), .notFound(let refusal):
      RetryPolicy.isTransient(status: refusal.status)
    case .transport(_, let error): error.isTransient
    case .unusable, .unsafe, .mismatch, .wrongUpload, .credentials, .token, .afterMirrors: false
    }
  }

  /// The refusal, where there is one.
  var refusal: Refusal? {
    switch self {
    case .notFound(let refusal), .denied(let refusal), .refused(let refusal), .rateLimited(let refusal, _),
      .wrongUpload(_, _, let refusal):
      refusal
    default: nil
    }
  }
}

extension RegistryError: CustomStringConvertible {
  /// One line for people.
  public var description: String {
    switch self {
    case .notFound(let refusal): "\(refusal), not found"
    case .denied(let refusal): "\(refusal), denied or not found"
    case .rateLimited(let refusal, let until):
      "\(refusal), too many requests"
        + (until.map { "; try again after \(CivilTime.text(ofUnixTime: $0))" } ?? "")
    case .refused(let refusal): "\(refusal)"
    case .transport(let attempt, let error): "\(attempt): \(error)"
    case .unusable(let attempt, let reason), .unsafe(let attempt, let reason): "\(attempt): \(reason)"
    case .mismatch(let mismatch, let note): "\(mismatch)" + (note.map { " (\($0))" } ?? "")
    case .wrongUpload(let subject, let digest, let refusal):
      "\(subject): the bytes sent do not have the digest \(digest): \(refusal)"
    case .credentials(let key, let reason): "credentials for \(key): \(reason)"
    case .token(let host, let error): "no token for \(host): \(error)"
    case .afterMirrors(let failures, let error):
      "\(error) (before that: " + failures.map { "mirror \($0.host): \($0.error)" }.joined(separator: "; ")
        + ")"
    }
  }
}
