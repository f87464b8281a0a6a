/// Why no complete response came.
public enum TransportError: Error, Hashable {
  /// The URL is not an absolute http or https URL.
  case badURL(String)
  /// The name has no address.
  case hostNotFound(host: String)
  /// Nobody answered at the address.
  case couldNotConnect(host: String, reason: String)
  /// The certificate was not accepted, or TLS failed otherwise.
  case tls(host: String, reason: String)
  /// The address is one that the rule forbids.
  case forbiddenAddress(host: String, address: String)
  /// The connection ended, or was reset, before the response was complete.
  case connectionLost(host: String, reason: String)
  /// Too little arrived for too long.
  case stalled(host: String, seconds: Int)
  /// The body is longer than the caller's limit, in bytes.
  case bodyTooLarge(limit: Int)
  /// A certificate or key file could not be used.
  case unusableFile(String)
  /// libcurl could not be loaded; the text says why.
  case libraryMissing(String)
  /// Anything else, with libcurl's number and text.
  case other(code: Int, reason: String)

  /// Whether the same request may succeed a moment later.
  public var isTransient: Bool {
    switch self {
    case .hostNotFound, .couldNotConnect, .connectionLost, .stalled: true
    case .badURL, .tls, .forbiddenAddress, .bodyTooLarge, .unusableFile, .libraryMissing, .other: false
    }
  }
}
