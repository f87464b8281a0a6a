/// How far away a host is, as far as its spelling tells.
///
/// A name may still resolve to any address; `AddressRule` checks that where the connection is made.
enum HostScope: Sendable, Hashable {
  /// `localhost`, `*.localhost`, 127.0.0.0/8, `::1`.
  case loopback
  /// 169.254.0.0/16, fe80::/10: where clouds keep their machines' secrets.
  case linkLocal
  /// 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7.
  case privateNetwork
  /// Everything else.
  case elsewhere

  /// The scope of a host with or without a port.
  ///
  /// IPv6 addresses are in brackets.
  init(_ host: String) {
    let name = Self.withoutPort(host.lowercased())
    if name.hasPrefix("[") {
      self = Self.ofIPv6(name.dropFirst().prefix { $0 != "]" })
    } else if let octets = Self.octets(name) {
      self = Self.ofIPv4(octets)
    } else {
      let name = name.hasSuffix(".") ? name.dropLast() : name
      self = name == "localhost" || name.hasSuffix(".localhost") ? .loopback : .elsewhere
    }
  }

  private static func withoutPort(_ host: String) -> Substring {
    if host.hasPrefix("[") { return host.prefix { $0 != "]" } }
    return host.prefix { $0 != ":" }
  }

  private static func octets(_ name: Substring) -> [UInt8]? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    // A leading zero would mean octal to some resolvers.
    let octets = parts.compactMap { part in part.count > 1 && part.hasPrefix("0") ? nil : UInt8(part) }
    return octets.count == 4 && parts.count == 4 ? octets : nil
  }

  private static func ofIPv4(_ octets: [UInt8]) -> HostScope {
    switch (octets[0], octets[1]) {
    case (127, _): .loopback
    case (169, 254): .linkLocal
    case (10, _), (172, 16...31), (192, 168): .privateNetwork
    default: .elsewhere
    }
  }

  private static func ofIPv6(_ address: Substring) -> HostScope {
    if let mapped = octets(
      address.suffix(from: address.lastIndex(of: ":").map(address.index(after:)) ?? address.startIndex))
    {
      return ofIPv4(mapped)
    }
    let groups = address.split(separator: ":")
    if groups.last.flatMap({ UInt16($0, radix: 16) }) == 1,
      groups.dropLast().allSatisfy({ UInt16($0, radix: 16) == 0 })
    {
      return .loopback
    }
    guard let first = groups.first.flatMap({ UInt16($0, radix: 16) }), !address.hasPrefix(":") else {
      return .elsewhere
    }
    if first & 0xffc0 == 0xfe80 { return .linkLocal }
    return first & 0xfe00 == 0xfc00 ? .privateNetwork : .elsewhere
  }
}
