import Foundation

/// Whether tests run that only root can run.
public enum RootAccess {
  /// For another user they are skipped, with the reason that they give; where `CI` is set they run, and fail, so that nothing looks tested that was not.
  public static var isExpected: Bool { getuid() == 0 || ProcessInfo.processInfo.environment["CI"] != nil }
}
