internal import HTTPTransport

/// Where a server may send us: the rules for redirects, token servers and foreign layers (registry-protocol.md, sections 2, 3, 6).
///
/// A registry must not be able to make its client speak to services that only the client can reach.
struct HopRules: Sendable {
  /// The server that the user named.
  let home: HTTPURL
  /// Whether that server was seen to be at a private address itself.
  var homeIsPrivate: Bool
  /// Whether plain `http` was allowed by the user for this registry.
  let isInsecure: Bool
  /// The policy of the registry.
  let tls: TLSPolicy

  /// Why `target` must not be connected to, or nil.
  func objection(to target: HTTPURL, comingFrom origin: HTTPURL) -> String? {
    guard target.scheme == "http", origin.scheme == "https", !isInsecure else { return nil }
    return
      "leads from https to plain http (\(target.redacted)), which is allowed with --tls-verify=false only"
  }

  /// Which addresses `target` may have.
  func addressRule(for target: HTTPURL) -> AddressRule {
    if target.host == home.host { return .any }
    switch (HostScope(home.host), HostScope(target.host)) {
    case (.loopback, _): return .notLinkLocal
    case (_, .loopback), (_, .linkLocal): return .publicOnly
    case (.privateNetwork, _): return .notLinkLocal
    default: return homeIsPrivate ? .notLinkLocal : .publicOnly
    }
  }

  /// How the certificate of `target` is checked.
  ///
  /// Our own certificate is shown to nobody but the registry.
  func tls(for target: HTTPURL) -> TLSPolicy {
    var policy = tls
    if target.host != home.host { policy.clientCertificate = nil }
    return policy
  }
}
