/// A date with a time zone, as Python's `datetime` reads and writes it.
public struct DateText: Sendable, Hashable {
  /// What `datetime.isoformat()` gives: `1970-01-01T00:00:01+00:00`.
  public let text: String
  /// Whole seconds since 1970-01-01T00:00:00Z, fractions cut off towards zero.
  public let seconds: Int64

  /// The instant that many seconds and microseconds after 1970, in UTC.
  public init(seconds: Int64, microseconds: Int = 0) {
    let day = Self.floorDivide(seconds, 86_400)
    let second = Int(seconds - day * 86_400)
    let (year, month, dayOfMonth) = Self.civil(day)
    var text = "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(dayOfMonth, 2))T"
    text +=
      "\(Self.digits(second / 3600, 2)):\(Self.digits(second / 60 % 60, 2)):\(Self.digits(second % 60, 2))"
    if microseconds > 0 { text += "." + Self.digits(microseconds, 6) }
    self.text = text + "+00:00"
    self.seconds = seconds
  }

  /// Reads `2024-01-01T10:11:12+01:00`, with up to six digits of a second, a blank for `T` and `Z` for `+00:00`; nil for anything else.
  public init?(parsing text: String) {
    var rest = Array(text.utf8)[...]
    func number(_ count: Int) -> Int? {
      let digits = rest.prefix(count)
      guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      rest = rest.dropFirst(count)
      return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
    func skip(_ characters: String) -> UInt8? {
      guard let first = rest.first, characters.utf8.contains(first) else { return nil }
      rest = rest.dropFirst()
      return first
    }
    guard let year = number(4), skip("-") != nil, let month = number(2), skip("-") != nil,
      let day = number(2), skip("T ") != nil, let hour = number(2), skip(":") != nil, let minute = number(2),
      skip(":") != nil, let second = number(2), hour < 24, minute < 60, second < 60,
      Self.isDate(year, month, day)
    else { return nil }
    var microseconds = 0
    if skip(".") != nil {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      guard (1...6).contains(digits.count), let value = number(digits.count) else { return nil }
      microseconds = (digits.count..<6).reduce(value) { product, _ in product * 10 }
    }
    var offset = 0
    if let sign = skip("+-") {
      guard let hours = number(2), skip(":") != nil, let minutes = number(2), hours < 24, minutes < 60 else {
        return nil
      }
      offset = (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -60 : 60)
    } else if skip("Z") == nil {
      return nil
    }
    guard rest.isEmpty else { return nil }
    let local = Self.days(year, month, day) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    self.init(local: local, microseconds: microseconds, offset: offset)
  }

  private init(local: Int64, microseconds: Int, offset: Int) {
    let sign = offset < 0 ? "-" : "+"
    let zone = sign + Self.digits(abs(offset) / 3600, 2) + ":" + Self.digits(abs(offset) / 60 % 60, 2)
    text = DateText(seconds: local, microseconds: microseconds).text.dropLast(6) + zone
    let whole = local - Int64(offset)
    // Python's `int` cuts towards zero.
    seconds = whole < 0 && microseconds > 0 ? whole + 1 : whole
  }

  private static func digits(_ value: Int, _ count: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
  }

  static func isDate(_ year: Int, _ month: Int, _ day: Int) -> Bool {
    guard year > 0, (1...12).contains(month), day > 0 else { return false }
    let (foundYear, foundMonth, foundDay) = civil(days(year, month, day))
    return (foundYear, foundMonth, foundDay) == (year, month, day)
  }

  /// Days from 1970-01-01 in the Gregorian calendar, counted in 400-year cycles that begin in March.
  static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    let year = Int64(month <= 2 ? year - 1 : year)
    let era = floorDivide(year, 400)
    let yearOfEra = year - era * 400
    let dayOfYear = Int64((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1)
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
    return (
      Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0), month,
      Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    )
  }
}
