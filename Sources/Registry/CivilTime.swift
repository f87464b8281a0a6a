/// Dates of HTTP, without time zones (RFC 9110, section 5.6.7).
enum CivilTime {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`; nil for any other form.
  static func seconds(ofHTTPDate text: String) -> Int64? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT" || parts[5] == "UTC",
      let day = Int64(parts[1]), (1...31).contains(day),
      let month = months.firstIndex(where: { $0 == parts[2] }),
      let year = Int64(parts[3]), (1970...9999).contains(year),
      let time = secondsOfDay(parts[4])
    else { return nil }
    return days(year: year, month: Int64(month) + 1, day: day) * 86400 + time
  }

  /// `2026-11-24 15:07 UTC`.
  static func text(ofUnixTime seconds: Int64) -> String {
    let seconds = max(0, seconds)
    let (year, month, day) = date(ofDays: seconds / 86400)
    let minutes = seconds % 86400 / 60
    return "\(year)-\(two(month))-\(two(day)) \(two(minutes / 60)):\(two(minutes % 60)) UTC"
  }

  private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

  private static func secondsOfDay(_ text: Substring) -> Int64? {
    let parts = text.split(separator: ":").compactMap { Int64($0) }
    guard parts.count == 3, (0...23).contains(parts[0]), (0...59).contains(parts[1]),
      (0...60).contains(parts[2])
    else { return nil }
    return parts[0] * 3600 + parts[1] * 60 + parts[2]
  }

  /// Days since 1970.
  ///
  /// Years are counted from March, so that the leap day is the last of its year.
  private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let marchYear = month > 2 ? year : year - 1
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return 365 * marchYear + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear - 719468
  }

  private static func date(ofDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    var year = 1970 + days / 366
    while Self.days(year: year + 1, month: 1, day: 1) <= days { year += 1 }
    var month: Int64 = 1
    while month < 12, Self.days(year: year, month: month + 1, day: 1) <= days { month += 1 }
    return (year, month, days - Self.days(year: year, month: month, day: 1) + 1)
  }
}
