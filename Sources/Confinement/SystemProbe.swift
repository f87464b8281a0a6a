import CNamespaces

/// What the system lets this user do, found out by doing it in a child process.
public enum SystemProbe {
  /// Makes a user namespace with mounts of its own.
  ///
  /// - Returns: nil when that works, and otherwise the value of `errno`.
  public static func userNamespace() -> Int32? { result(probe_user_namespace()) }

  /// Starts a process and traces it.
  ///
  /// - Returns: nil when that works, and otherwise the value of `errno`.
  public static func tracing() -> Int32? { result(probe_tracing()) }

  private static func result(_ code: Int32) -> Int32? { code == 0 ? nil : code }
}
