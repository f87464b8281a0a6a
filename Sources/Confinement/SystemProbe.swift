import CNamespaces

/// What the system lets this user do, found out by doing it in a child process.
public enum SystemProbe {
  /// Starts a process and traces it.
  ///
  /// - Returns: nil when that works, and otherwise the value of `errno`.
  public static func tracing() -> Int32? {
    let code = probe_tracing()
    return code == 0 ? nil : code
  }
}
