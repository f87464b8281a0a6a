/// The value of `Content-Range` of a partial answer (RFC 9110, section 14.4).
struct ContentRange: Sendable, Hashable {
  /// The offset of the first byte.
  let first: Int64
  /// The offset of the last byte.
  let last: Int64
  /// The length of the whole, unless the server does not know it.
  let total: Int64?

  /// Reads `bytes 5-9/10` and `bytes 5-9/*`.
  init?(_ field: String) {
    let parts = field.trimmingSpaces.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bytes" else { return nil }
    let halves = parts[1].split(separator: "/", omittingEmptySubsequences: false)
    guard halves.count == 2 else { return nil }
    let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false).map(Self.number)
    guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else { return nil }
    guard halves[1] == "*" || Self.number(halves[1]).map({ $0 > last }) == true else { return nil }
    self.first = first
    self.last = last
    total = Self.number(halves[1])
  }

  private static func number(_ text: Substring) -> Int64? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
  }
}
