/// The part of a blob that a `Range` field asks for (RFC 9110, section 14).
enum RequestedRange: Hashable {
  /// All of it: no field, or one that may be ignored.
  case everything
  case part(Range<Int64>)
  /// No byte of it is there.
  case unsatisfiable

  /// Reads the field's value for a blob of `byteCount` bytes; several ranges at once are ignored.
  init(_ field: String?, of byteCount: Int64) {
    self = .everything
    guard let field, field.hasPrefix("bytes="), !field.contains(",") else { return }
    let ends = field.dropFirst("bytes=".count).split(
      separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard ends.count == 2 else { return }
    let (first, last) = (Self.number(ends[0]), Self.number(ends[1]))
    switch (first, last) {
    case (nil, let count?) where ends[0].isEmpty:
      self = count > 0 && byteCount > 0 ? .part(max(0, byteCount - count)..<byteCount) : .unsatisfiable
    case (let first?, nil) where ends[1].isEmpty:
      self = first < byteCount ? .part(first..<byteCount) : .unsatisfiable
    case (let first?, let last?) where first <= last:
      self = first < byteCount ? .part(first..<min(last, byteCount - 1) + 1) : .unsatisfiable
    default: break
    }
  }

  private static func number(_ text: Substring) -> Int64? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int64(text) : nil
  }
}
