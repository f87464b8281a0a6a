/// One request, complete with how its connection is to be made.
public struct HTTPRequest: Sendable {
  /// The method, in capitals.
  public enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    var hasBody: Bool { self == .post || self == .put || self == .patch }
  }

  /// The method.
  public var method: Method
  /// An absolute `http` or `https` URL.
  public var url: HTTPURL
  /// Header fields, sent in this order.
  ///
  /// `User-Agent` is the caller's; nothing else is added but what HTTP itself needs.
  public var headers: HTTPHeaders
  /// The whole body, for methods that have one.
  public var body: [UInt8]?
  /// Where the body comes from while it is sent, in place of `body`.
  public var bodySource: (any RequestBodySource)?
  /// How the server's certificate is checked and which one is shown.
  public var tls: TLSPolicy
  /// Whether the server may be at a private address.
  public var addressRule: AddressRule
  /// How long to wait, and how slow is too slow.
  public var patience: Patience

  /// A request with default policies.
  public init(
    _ method: Method, _ url: HTTPURL, headers: HTTPHeaders = [:], body: [UInt8]? = nil,
    tls: TLSPolicy = TLSPolicy(), addressRule: AddressRule = .any, patience: Patience = Patience()
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.tls = tls
    self.addressRule = addressRule
    self.patience = patience
  }
}

/// How a server's certificate is checked.
public struct TLSPolicy: Sendable, Hashable {
  /// False accepts any certificate: `--tls-verify=false`.
  public var verifies = true
  /// PEM files whose authorities are trusted besides the system's.
  public var additionalAuthorityFiles: [String] = []
  /// PEM file that replaces the system's authorities (`SSL_CERT_FILE`, `NIX_SSL_CERT_FILE`).
  public var authorityFile: String?
  /// Directory of hashed certificates that is searched too (`SSL_CERT_DIR`).
  public var authorityDirectory: String?
  /// PEM files of the client's certificate and key.
  public var clientCertificate: ClientCertificate?

  /// A client certificate and its key, as PEM files.
  public struct ClientCertificate: Sendable, Hashable {
    /// The certificate's file.
    public var certificateFile: String
    /// The key's file.
    public var keyFile: String

    /// A pair of files.
    public init(certificateFile: String, keyFile: String) {
      self.certificateFile = certificateFile
      self.keyFile = keyFile
    }
  }

  /// The system's authorities, checked.
  public init() {}
}

/// Which addresses a host name may resolve to.
///
/// A registry names token servers and redirect targets; it must not be able to point a client at services
/// that only the client can reach (registry-protocol.md, sections 2 and 3). The rule is applied to the
/// address that is connected to, so a name that resolves to a private address does not get around it.
public enum AddressRule: Sendable, Hashable {
  /// No restriction: the user named the host.
  case any
  /// Link-local addresses are refused: clouds keep their machines' secrets there.
  case notLinkLocal
  /// Loopback, link-local, private, unique-local and multicast addresses are refused.
  case publicOnly
}

/// Time limits of one request.
public struct Patience: Sendable, Hashable {
  /// Seconds until the connection must stand.
  public var connectSeconds = 30
  /// Bytes per second; a transfer that is slower for `stallSeconds` is given up as stalled.
  public var stallBytesPerSecond = 1024
  /// Seconds that a transfer may be too slow; 0 turns the check off.
  public var stallSeconds = 30
  /// Seconds that the server may be silent once it has the whole request, when that is longer than
  /// `stallSeconds`: it may have a large body to store first.
  ///
  /// Nil for `stallSeconds`.
  public var answerSeconds: Int?

  /// The defaults.
  public init() {}
}
