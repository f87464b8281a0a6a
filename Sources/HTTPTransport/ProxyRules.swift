import Glibc

/// Which proxy a URL goes through, by the variables that curl reads.
///
/// The choice is made here and not left to libcurl for two reasons: hosts that are this machine never use a
/// proxy, and the address rule must know whether the address that is connected to is the server's.
struct ProxyRules: Sendable {
  /// `http_proxy` and the like.
  let environment: [String: String]

  private static let names = [
    "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
  ]

  /// The variables of this process, read when this is made.
  static var ofProcess: ProxyRules {
    var found: [String: String] = [:]
    for name in names {
      if let value = getenv(name) { found[name] = String(cString: value) }
    }
    return ProxyRules(environment: found)
  }

  /// The proxy for `url`, nil for a direct connection.
  ///
  /// `HTTP_PROXY` in capitals is ignored: in a CGI program the client sets it.
  func proxy(for url: HTTPURL) -> String? {
    let names =
      url.scheme == "https"
      ? ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] : ["http_proxy", "all_proxy", "ALL_PROXY"]
    guard let proxy = value(of: names), !url.isLoopbackHost, !isExempt(url.host) else { return nil }
    return proxy
  }

  /// The first variable that is there decides, even when it is empty.
  private func value(of names: [String]) -> String? {
    let value = names.lazy.compactMap { environment[$0] }.first
    return value?.isEmpty == false ? value : nil
  }

  /// Whether `no_proxy` has an entry for the host: a name with everything below it, an address, a range of
  /// addresses, or `*`.
  private func isExempt(_ host: String) -> Bool {
    guard let list = value(of: ["no_proxy", "NO_PROXY"]) else { return false }
    let address = IPAddress(host: host)
    let bareHost = host.hasSuffix(".") ? String(host.dropLast()) : host
    return list.split(whereSeparator: { ", \t".contains($0) }).contains { entry in
      if entry == "*" { return true }
      if let address { return Self.covers(entry, address) }
      var name = entry.lowercased()
      if name.hasPrefix(".") { name.removeFirst() }
      if name.hasSuffix(".") { name.removeLast() }
      return bareHost == name || bareHost.hasSuffix("." + name)
    }
  }

  private static func covers(_ entry: Substring, _ address: IPAddress) -> Bool {
    let parts = entry.split(separator: "/", maxSplits: 1)
    guard let first = parts.first, let network = IPAddress(host: String(first)) else { return false }
    guard network.bytes.count == address.bytes.count else { return false }
    guard parts.count == 2 else { return network == address }
    guard let length = Int(parts[1]) else { return false }
    return address.contains(network.bytes, length)
  }
}
