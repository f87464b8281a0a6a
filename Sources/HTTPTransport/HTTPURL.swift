/// An absolute `http` or `https` URL, taken apart.
///
/// The text is kept as it was given: a presigned URL must be sent on unchanged.
public struct HTTPURL: Sendable, Hashable, CustomStringConvertible {
  /// `http` or `https`.
  public let scheme: String
  /// The host, lower case, IPv6 addresses in brackets.
  public let host: String
  /// The port, the scheme's own when none is written.
  public let port: Int
  /// Everything from the path on, query included, without fragment. Begins with `/`.
  public let target: String
  /// The URL as it is sent.
  public let description: String
}
