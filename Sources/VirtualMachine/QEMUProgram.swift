import Subprocess
public import SystemPackage

/// The program `qemu-system-x86_64`.
public struct QEMUProgram: Sendable {
  /// The program's name.
  public static let name = "qemu-system-x86_64"

  /// Where the program is.
  public let path: FilePath

  /// The program at `path`.
  public init(_ path: FilePath) { self.path = path }

  /// What it says of itself with `--version`: `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)`; nil when it is something else.
  public func release() async throws -> String? {
    let result = try await run(
      .path(path), arguments: ["--version"], output: .string(limit: 1 << 16), error: .discarded)
    let prefix = "QEMU emulator version "
    let line = result.standardOutput.split(separator: "\n").first { $0.hasPrefix(prefix) }
    return line.map { String($0.dropFirst(prefix.count)) }
  }
}
