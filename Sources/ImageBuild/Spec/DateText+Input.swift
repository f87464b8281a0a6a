extension DateText {
  /// Reads a date as people write it for GNU `date`, which nixpkgs gives it to, in UTC and without fractions of a second.
  ///
  /// Taken are `@SECONDS`, `2024-01-31`, `2024/01/31` and `20240131`; after the first two of these days also a time of day such as
  /// `T10:11`, `T10:11:12` or ` 10:11:12.5`; and then a zone: `Z`, `UTC`, `GMT`, `+02`, `+0230` or `+02:30`. Without one it is UTC.
  /// nil for anything else, and for days that are in no calendar.
  public init?(input text: String) {
    var reader = DateReader(text)
    guard let seconds = reader.seconds(), reader.isAtEnd, Self.years.contains(seconds) else { return nil }
    self.init(seconds: seconds)
  }

  /// The instants of the years 1 to 9999, which ISO 8601 can write.
  private static let years = Int64(-62_135_596_800)...253_402_300_799

  /// What `init(input:)` takes, as a regular expression that knows nothing of calendars.
  static let inputPattern: String = {
    let time = #"(?:[Tt]| +)[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"#
    let name = "[Zz]|[Uu][Tt][Cc]|[Gg][Mm][Tt]"
    let offset = "[+-](?:[0-9]{2}|[0-9]{4}|[0-9]{1,2}:[0-9]{2})"
    let day = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}(?![Tt])"
    return
      "@[+-]?[0-9]{1,15}(?:[.,][0-9]+)?|[0-9]{8}|(?:\(day))(?: *(?:\(name))|\(time)(?: *(?:\(name)|\(offset)))?)?"
  }()
}

/// Takes a date apart from left to right.
private struct DateReader {
  private var rest: ArraySlice<UInt8>
  /// GNU `date` knows no `T` after a day that is written with slashes.
  private var usesSlashes = false

  init(_ text: String) { rest = Array(text.utf8)[...] }

  var isAtEnd: Bool { rest.isEmpty }

  /// Seconds since 1970, or nil where the text is no date.
  mutating func seconds() -> Int64? {
    if skip("@") { return secondsSinceEpoch() }
    if rest.count == 8, rest.allSatisfy(Self.isDigit) {
      return day(number(4...4), number(2...2), number(2...2))
    }
    guard let day = calendarDay() else { return nil }
    if isAtEnd || zoneName() { return day }
    guard !usesSlashes && skip("Tt") || skipBlanks(), let time = timeOfDay() else { return nil }
    if isAtEnd || zoneName() { return day + time }
    skipBlanks()
    guard let offset = offset() else { return nil }
    return day + time - offset
  }

  private mutating func secondsSinceEpoch() -> Int64? {
    let isNegative = rest.first == UInt8(ascii: "-")
    _ = skip("+-")
    guard let whole = number(1...15) else { return nil }
    guard skip(".,") else { return isNegative ? -whole : whole }
    let digits = digits()
    guard !digits.isEmpty else { return nil }
    // Fractions are cut off downwards.
    let hasFraction = digits.contains { $0 != UInt8(ascii: "0") }
    return isNegative ? -whole - (hasFraction ? 1 : 0) : whole
  }

  private mutating func calendarDay() -> Int64? {
    guard let year = number(4...4), let separator = rest.first, skip("-/"), let month = number(1...2),
      rest.first == separator
    else { return nil }
    usesSlashes = separator == UInt8(ascii: "/")
    rest.removeFirst()
    return day(year, month, number(1...2))
  }

  private func day(_ year: Int64?, _ month: Int64?, _ day: Int64?) -> Int64? {
    guard let year, let month, let day, DateText.isDate(Int(year), Int(month), Int(day)) else { return nil }
    return DateText.days(Int(year), Int(month), Int(day)) * 86_400
  }

  private mutating func timeOfDay() -> Int64? {
    guard let hour = number(2...2), hour < 24, skip(":"), let minute = number(2...2), minute < 60 else {
      return nil
    }
    guard skip(":") else { return hour * 3600 + minute * 60 }
    guard let second = number(2...2), second < 60 else { return nil }
    if skip(".,"), digits().isEmpty { return nil }
    return hour * 3600 + minute * 60 + second
  }

  private mutating func zoneName() -> Bool {
    let name = String(decoding: rest.drop { $0 == 0x20 }, as: UTF8.self).lowercased()
    guard ["z", "utc", "gmt"].contains(name) else { return false }
    rest = []
    return true
  }

  private mutating func offset() -> Int64? {
    let sign: Int64 = rest.first == UInt8(ascii: "-") ? -1 : 1
    guard skip("+-") else { return nil }
    let digitCount = rest.prefix(while: Self.isDigit).count
    guard let hours = number(1...2) else { return nil }
    let isColon = skip(":")
    guard digitCount != 1 || isColon else { return nil }
    let minutes = isAtEnd && !isColon ? 0 : number(2...2)
    guard let minutes, minutes < 60, hours * 60 + minutes <= 24 * 60 else { return nil }
    return sign * (hours * 3600 + minutes * 60)
  }

  /// A number of so many digits.
  private mutating func number(_ count: ClosedRange<Int>) -> Int64? {
    let found = rest.prefix(count.upperBound).prefix(while: Self.isDigit)
    guard count.contains(found.count) else { return nil }
    rest = rest.dropFirst(found.count)
    return found.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
  }

  private mutating func digits() -> ArraySlice<UInt8> {
    let found = rest.prefix(while: Self.isDigit)
    rest = rest.dropFirst(found.count)
    return found
  }

  /// Takes one of some characters.
  private mutating func skip(_ characters: String) -> Bool {
    guard let first = rest.first, characters.utf8.contains(first) else { return false }
    rest.removeFirst()
    return true
  }

  /// Takes any number of blanks, and tells whether there was one.
  @discardableResult
  private mutating func skipBlanks() -> Bool {
    let hasBlank = rest.first == 0x20
    rest = rest.drop { $0 == 0x20 }
    return hasBlank
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
