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
