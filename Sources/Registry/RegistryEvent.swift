/// Something worth telling while a request goes on.
///
/// Texts are made for people and hold no secrets.
public enum RegistryEvent: Sendable, Hashable {
  /// A registry's own warning (`Warning: 299`). Each text of a host comes once.
  case warning(host: String, text: String)
  /// An attempt failed and there will be another after `delay`. `offset` is how many bytes of a blob are there already.
  case retrying(subject: String, delay: Duration, reason: String, offset: Int64?)
  /// A blob's transfer goes on after its first `offset` bytes.
  case resumed(subject: String, offset: Int64)
  /// What came was wrong or cannot be continued; the blob is fetched again from its first byte.
  case restarted(subject: String, reason: String)
  /// A mirror failed and the next place is tried.
  case mirrorFailed(host: String, reason: String)
  /// The stored credentials were refused, and the request went on without.
  case continuedAnonymously(host: String, reason: String)
}

extension RegistryEvent: CustomStringConvertible {
  /// One line for people.
  public var description: String {
    switch self {
    case .warning(let host, let text): "\(host) warns: \(text)"
    case .retrying(let subject, let delay, let reason, let offset):
      "\(subject): \(reason)" + (offset.map { " at byte \($0)" } ?? "")
        + "; trying again in \(Self.text(delay))"
    case .resumed(let subject, let offset): "\(subject): continuing at byte \(offset)"
    case .restarted(let subject, let reason): "\(subject): \(reason); starting over"
    case .mirrorFailed(let host, let reason): "mirror \(host) failed, trying the next: \(reason)"
    case .continuedAnonymously(let host, let reason): "\(host): \(reason); continuing without credentials"
    }
  }

  /// Seconds with one decimal.
  private static func text(_ duration: Duration) -> String {
    let tenths = duration.components.seconds * 10 + duration.components.attoseconds / 100_000_000_000_000_000
    return "\(tenths / 10).\(tenths % 10) s"
  }
}
