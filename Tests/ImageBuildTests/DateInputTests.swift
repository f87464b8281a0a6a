import ImageBuild
import TestSupport
import Testing

/// The dates of a spec: what GNU `date` makes of them in UTC.
@Suite struct DateInputTests {
  @Test(arguments: [
    ("1970-01-01T00:00:01Z", "1970-01-01T00:00:01+00:00"), ("2024-02-29", "2024-02-29T00:00:00+00:00"),
    ("20240131", "2024-01-31T00:00:00+00:00"), ("2024/1/31", "2024-01-31T00:00:00+00:00"),
    ("2024-1-2 03:04", "2024-01-02T03:04:00+00:00"),
    ("2024-01-31T10:11:12+02:00", "2024-01-31T08:11:12+00:00"),
    ("2024-01-31T10:11:12.999999-0330", "2024-01-31T13:41:12+00:00"),
    ("2024-01-31t10:11:12z", "2024-01-31T10:11:12+00:00"),
    ("2024-01-31 10:11:12 UTC", "2024-01-31T10:11:12+00:00"),
    ("@1700000000", "2023-11-14T22:13:20+00:00"), ("@-1.5", "1969-12-31T23:59:58+00:00"),
    ("@0", "1970-01-01T00:00:00+00:00"), ("@-62135596800", "0001-01-01T00:00:00+00:00"),
    ("@253402300799", "9999-12-31T23:59:59+00:00"),
  ])
  func `a date is read as UTC and written as nixpkgs writes it`(text: String, written: String) {
    #expect(DateText(input: text)?.text == written)
  }

  @Test(arguments: [
    "", " ", "now", "yesterday", "1700000000", "2024-02-30", "2023-02-29", "2024-13-01", "2024-00-01",
    "2024-01-00", "20240230", "2024-01-31T", "2024-01-31T10", "2024-01-31T24:00:00Z", "2024-01-31T10:60",
    "2024-01-31T10:11:60Z", "2024-01-31T10:11:12.Z", "2024-01-31T10:11:12+24:01", "2024-01-31T10:11:12+2:0",
    "2024-01-31T10:11:12 CET", "2024-01-31T10:11:12Z ", "2024-01/31", "@", "@x", "@1.", "@1 ",
    "@9999999999999999",
    "@253402300800", "@-62135596801", "0000-01-01", "20240131T101112Z", "2024-01-31 10:11:12\n",
    "2024-01-31T10:11:12+1", "٢٠٢٤-01-31",
  ])
  func `anything else is refused`(text: String) { #expect(DateText(input: text) == nil) }

  /// Random dates of every form, some with a character changed, of which those that are taken must be GNU's.
  @Test func `what is taken, GNU date takes for the same instant`() async throws {
    let seed = UInt64.random(in: 1...1_000_000)
    var generator = SeededGenerator(seed: seed)
    var accepted: [(text: String, date: DateText)] = []
    for _ in 0..<3000 {
      let text = Self.text(&generator)
      if let date = DateText(input: text) { accepted.append((text, date)) }
    }
    try #require(accepted.count > 1000, "seed \(seed)")
    let result = try await Program.check(
      "date", ["-Iseconds", "-f", "-"], environment: ["TZ": "UTC", "LC_ALL": "C"],
      input: Array(accepted.map { $0.text + "\n" }.joined().utf8))
    let lines = result.text.split(separator: "\n").map(String.init)
    try #require(lines.count == accepted.count, "seed \(seed): \(result.errors)")
    for (line, (text, date)) in zip(lines, accepted) { #expect(line == date.text, "seed \(seed): \(text)") }
  }

  private static func text(_ generator: inout SeededGenerator) -> String {
    func digits(_ value: Int, _ count: Int) -> String {
      String(repeating: "0", count: max(0, count - String(value).count)) + String(value)
    }
    if generator.once(in: 8) {
      return "@\(generator.pick(["", "-", "+"]))\(generator.number(in: 0...9_999_999_999))"
        + generator.pick(["", ".5", ",0", ".000"])
    }
    let separator = generator.pick(["-", "-", "-", "/", ""])
    let width = separator.isEmpty ? 2 : generator.pick([1, 2])
    var text = [
      digits(generator.number(in: 1...9998), 4), digits(generator.number(in: 1...12), width),
      digits(generator.number(in: 1...31), width),
    ].joined(separator: separator)
    if !generator.once(in: 4) {
      text += generator.pick(["T", "t", " ", "  "]) + digits(generator.number(in: 0...23), 2) + ":"
      text += digits(generator.number(in: 0...59), 2)
      if !generator.once(in: 4) { text += ":" + digits(generator.number(in: 0...59), 2) }
      text += generator.pick(["", "", ".5", ",25"])
      text += generator.pick(["", "Z", " UTC", "gmt", "+02", "-0330", "+5:45", " -11:00", "+24:00"])
    }
    if generator.once(in: 5), var bytes = Optional(Array(text.utf8)) {
      bytes[generator.number(in: 0...bytes.count - 1)] = generator.pick(Array("0129:-+.TZ @/".utf8))
      text = String(decoding: bytes, as: UTF8.self)
    }
    return text
  }
}
