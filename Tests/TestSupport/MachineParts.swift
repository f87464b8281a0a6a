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
  /// - Throws: what says that there is none; tests never skip for that.
  public static func kernel() async throws -> String {
    if let named = ProcessInfo.processInfo.environment["COOPER_KERNEL"] { return named }
    return try await Program.check(script, timeout: .seconds(300)).text
  }

  private static var script: String {
    // Tests/TestSupport/MachineParts.swift of the package.
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return package.appendingPathComponent("tools/vm-kernel").path
  }
}
