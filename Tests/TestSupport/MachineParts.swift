import Foundation

/// What virtual machines of tests are made of.
public enum MachineParts {
  /// The guest program, which lies beside the test bundle.
  public static var guest: String {
    get throws {
      let bundle = CommandLine.arguments[0] as NSString
      let path = "\(bundle.deletingLastPathComponent)/cooper-guest"
      guard access(path, R_OK) == 0 else { throw TestSupportError.toolNotBuilt(path) }
      return path
    }
  }

  /// The directory of a kernel: what `COOPER_KERNEL` names, or what `tools/vm-kernel` gives.
  ///
  /// Root's cache is for root alone, so that there it is a copy in `.build`, which others can read as well as the program.
  ///
  /// - Throws: what says that there is none; tests never skip for that.
  public static func kernel() async throws -> String {
    if let named = ProcessInfo.processInfo.environment["COOPER_KERNEL"] { return named }
    let found = try await Program.check(
      package.appendingPathComponent("tools/vm-kernel").path, timeout: .seconds(300)
    ).text
    guard getuid() == 0 else { return found }
    let copy = package.appendingPathComponent(".build/vm-kernel").path
    let script = """
      [ -d "$2" ] && exit
      mkdir -p "$2.$$" && cp -r "$1/." "$2.$$" && chmod -R a+rX "$2.$$" || exit
      mv -T "$2.$$" "$2" 2>/dev/null || { rm -rf "$2.$$"; [ -d "$2" ]; }
      """
    try await Program.check("/bin/sh", ["-c", script, "sh", found, copy])
    return copy
  }

  private static var package: URL {
    // Tests/TestSupport/MachineParts.swift of the package.
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }
}
