import Glibc
import ImageBuild

/// The time that `now` means.
enum BuildClock {
  /// This instant; `SOURCE_DATE_EPOCH` replaces it (reproducible-builds.org, "SOURCE_DATE_EPOCH").
  static func now() throws -> DateText {
    if let text = ProcessEnvironment.current["SOURCE_DATE_EPOCH"] {
      guard let seconds = Int64(text) else {
        throw UsageError("SOURCE_DATE_EPOCH is “\(text)”, which is no number of seconds")
      }
      return DateText(seconds: seconds)
    }
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return DateText(seconds: Int64(time.tv_sec), microseconds: Int(time.tv_nsec) / 1000)
  }
}

extension BuildClock {
  /// A date as configurations have it, from what people write; `now` is this instant, in whole seconds.
  static func rfc3339(_ text: String) throws -> String {
    guard let date = text == "now" ? try now() : DateText(input: text) else {
      throw UsageError(
        "“\(text)” is no date; give one such as 2024-01-31T10:11:12Z, @SECONDS since 1970, or now")
    }
    return String(DateText(seconds: date.seconds).text.dropLast("+00:00".count)) + "Z"
  }
}

extension BuildClock {
  /// The time of what has no time of its own: `SOURCE_DATE_EPOCH`, or the first second of 1970, as in the manual's images.
  static func epoch() throws -> DateText {
    try ProcessEnvironment.current["SOURCE_DATE_EPOCH"] == nil ? DateText(seconds: 1) : now()
  }
}
