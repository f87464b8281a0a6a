import Glibc
import Subprocess
public import SystemPackage

/// The program `nix-store`, where there is one.
public struct NixStoreProgram: Sendable {
  /// Where the program is.
  public let path: FilePath

  /// Finds the program in a list of directories as `PATH` has it; nil when it is in none of them.
  public init?(searching directories: String) {
    let candidates = directories.split(separator: ":").filter { $0.hasPrefix("/") }.map { "\($0)/nix-store" }
    guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else { return nil }
    self.path = FilePath(path)
  }

  /// Adds a file to the store under its own name, with its SHA-256 as a flat fixed output (`--add-fixed sha256`).
  ///
  /// - Throws: `NixStoreFailure` with what the program wrote on standard error.
  public func addFixed(_ file: FilePath) async throws -> StorePath {
    let result = try await run(
      .path(path), arguments: ["--add-fixed", "sha256", file.string], output: .string(limit: 1 << 16),
      error: .string(limit: 1 << 16))
    guard result.terminationStatus.isSuccess, let line = result.standardOutput.split(separator: "\n").last
    else {
      throw NixStoreFailure(action: "add \(file) to the store", reason: result.standardError)
    }
    return try StorePath(inAnyStore: String(line))
  }
}

/// `nix-store` did not do what it was asked.
public struct NixStoreFailure: Error, CustomStringConvertible {
  /// What was asked, as a verb.
  public let action: String
  /// What it wrote on standard error.
  public let reason: String

  /// One line, and what Nix said.
  public var description: String { "nix-store could not \(action): \(reason)" }
}
