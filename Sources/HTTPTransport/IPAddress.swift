import Glibc

/// An IPv4 or IPv6 address, and whether anybody on the Internet could be meant by it.
struct IPAddress: Hashable {
  /// Four or sixteen, in network order.
  let bytes: [UInt8]

  /// The address that is written, in the usual notation only: four decimal numbers, or IPv6 with or without
  /// brackets.
  init?(host: String) {
    let text = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    if !host.hasPrefix("["), let four = Self.parse(text, family: AF_INET, byteCount: 4) {
      bytes = four
    } else if let sixteen = Self.parse(text, family: AF_INET6, byteCount: 16) {
      bytes = sixteen
    } else {
      return nil
    }
  }

  /// The address that a resolver takes `host` for without asking anyone: also `127.1`, `0x7f000001` or
  /// `017700000001`.
  init?(looselyReading host: String) {
    if let address = IPAddress(host: host) {
      self = address
      return
    }
    var address = in_addr()
    guard inet_aton(host, &address) == 1 else { return nil }
    bytes = withUnsafeBytes(of: address) { Array($0) }
  }

  /// The address of a socket; nil for families other than IPv4 and IPv6.
  init?(_ socketAddress: UnsafePointer<sockaddr>, family: CInt) {
    let raw = UnsafeRawPointer(socketAddress)
    switch family {
    case AF_INET:
      bytes = withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
    case AF_INET6:
      bytes = withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
    default: return nil
    }
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private static func parse(_ text: String, family: CInt, byteCount: Int) -> [UInt8]? {
    var result = [UInt8](repeating: 0, count: byteCount)
    return inet_pton(family, text, &result) == 1 ? result : nil
  }

  /// 127.0.0.0/8 or ::1.
  var isLoopback: Bool {
    bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
  }

  /// False for loopback, link-local, private, shared, unique-local, multicast, reserved and unspecified
  /// addresses, and for IPv6 addresses that carry such an IPv4 address.
  var isPublic: Bool {
    if bytes.count == 4 { return !Self.closedRanges4.contains { contains($0.prefix, $0.length) } }
    if let carried = carriedIPv4 { return carried.isPublic }
    return !Self.closedRanges6.contains { contains($0.prefix, $0.length) }
  }

  /// 169.254.0.0/16 or fe80::/10, or an IPv6 address that carries such an IPv4 address.
  var isLinkLocal: Bool {
    if bytes.count == 4 { return contains([169, 254], 16) }
    return carriedIPv4?.isLinkLocal ?? contains([0xFE, 0x80], 10)
  }

  /// Whether the first `length` bits are those of `prefix`.
  func contains(_ prefix: [UInt8], _ length: Int) -> Bool {
    guard prefix.count <= bytes.count, length <= prefix.count * 8 else { return false }
    let whole = length / 8
    guard bytes[..<whole] == prefix[..<whole] else { return false }
    guard length % 8 != 0 else { return true }
    let mask = ~UInt8(0) << UInt8(8 - length % 8)
    return bytes[whole] & mask == prefix[whole] & mask
  }

  /// The IPv4 address in a mapped, compatible, translated (64:ff9b::/96) or 6to4 address.
  private var carriedIPv4: IPAddress? {
    let zeros = [UInt8](repeating: 0, count: 10)
    let beforeLast = Array(bytes[..<12])
    let last = IPAddress(bytes: Array(bytes[12...]))
    if beforeLast == zeros + [0xFF, 0xFF] || beforeLast == [0, 0x64, 0xFF, 0x9B] + zeros.prefix(8) {
      return last
    }
    if beforeLast == zeros + [0, 0] { return last }
    if bytes[0] == 0x20, bytes[1] == 0x02 { return IPAddress(bytes: Array(bytes[2..<6])) }
    return nil
  }

  /// IANA's special-purpose registry, as far as something may answer there.
  private static let closedRanges4: [(prefix: [UInt8], length: Int)] = [
    ([0], 8), ([10], 8), ([100, 64], 10), ([127], 8), ([169, 254], 16), ([172, 16], 12), ([192, 0, 0], 24),
    ([192, 168], 16), ([198, 18], 15), ([224], 3),
  ]

  private static let closedRanges6: [(prefix: [UInt8], length: Int)] = [
    ([0xFC], 7), ([0xFE, 0x80], 10), ([0xFE, 0xC0], 10), ([0xFF], 8), ([0, 0x64, 0xFF, 0x9B, 0, 1], 48),
  ]
}

extension AddressRule {
  /// Whether a connection to `address` may be made.
  func permits(_ address: IPAddress) -> Bool {
    switch self {
    case .any: true
    case .notLinkLocal: !address.isLinkLocal
    case .publicOnly: address.isPublic
    }
  }
}
