/// Words as a POSIX shell reads them.
enum ShellText {
  /// One word of exactly this text.
  static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
  }
}
