import ImageBuild
import Testing

/// The dates of conf.json: what Python's `fromisoformat`, `timestamp` and `isoformat` make of them.
@Suite struct DateTextTests {
  @Test(arguments: [
    ("1970-01-01T00:00:01+00:00", "1970-01-01T00:00:01+00:00", 1),
    ("1970-01-01T00:00:01Z", "1970-01-01T00:00:01+00:00", 1),
    ("1970-01-01 00:00:01+01:00", "1970-01-01T00:00:01+01:00", -3599),
    ("2024-02-29T23:59:59-05:30", "2024-02-29T23:59:59-05:30", 1_709_270_999),
    ("2000-03-01T00:00:00+00:00", "2000-03-01T00:00:00+00:00", 951_868_800),
    ("2024-05-01T10:11:12.216752+00:00", "2024-05-01T10:11:12.216752+00:00", 1_714_558_272),
    ("2024-05-01T10:11:12.5+00:00", "2024-05-01T10:11:12.500000+00:00", 1_714_558_272),
    ("1969-12-31T23:59:58.5+00:00", "1969-12-31T23:59:58.500000+00:00", -1),
    ("0001-01-01T00:00:00+00:00", "0001-01-01T00:00:00+00:00", -62_135_596_800),
    ("9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59+00:00", 253_402_300_799),
  ])
  func `a date keeps its text and has Python's seconds`(text: String, written: String, seconds: Int64) throws
  {
    let date = try #require(DateText(parsing: text))
    #expect(date.text == written)
    #expect(date.seconds == seconds)
  }

  @Test(arguments: [
    "", "now", "1970-01-01", "1970-01-01T00:00:01", "1970-1-1T00:00:01Z", "2023-02-29T00:00:00Z",
    "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:00+24:00",
    "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00.Z", "@1700000000", "0000-01-01T00:00:00Z",
  ])
  func `anything else is no date`(text: String) { #expect(DateText(parsing: text) == nil) }

  @Test func `an instant is written in UTC`() {
    #expect(DateText(seconds: 0).text == "1970-01-01T00:00:00+00:00")
    #expect(DateText(seconds: 1_714_558_272, microseconds: 12).text == "2024-05-01T10:11:12.000012+00:00")
    #expect(DateText(seconds: -1).text == "1969-12-31T23:59:59+00:00")
  }
}
