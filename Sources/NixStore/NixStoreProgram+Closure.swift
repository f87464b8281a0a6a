import Subprocess

extension NixStoreProgram {
  /// How many paths are given to the program at once: what a command line holds is limited.
  private static let pathsPerCall = 4000

  /// Asks Nix for the closure of paths, with hashes, sizes and derivers.
  ///
  /// The store is the one that the environment names (`NIX_REMOTE`).
  ///
  /// - Throws: `NixStoreFailure` with what the program wrote on standard error, `ClosureError`.
  public func closure(of paths: [StorePath]) async throws -> Closure {
    guard !paths.isEmpty else { return try Closure([]) }
    let roots = Array(Set(paths)).sorted().map(\.description)
    let named = roots.count == 1 ? roots[0] : "\(roots[0]) and \(roots.count - 1) more"
    var closure: Set<Substring> = []
    for part in Self.split(roots) {
      let text = try await output(["--query", "--requisites"] + part, action: "find the closure of \(named)")
      closure.formUnion(text.split(separator: "\n"))
    }
    var registration = ""
    for part in Self.split(closure.sorted().map(String.init)) {
      registration += try await output(["--dump-db"] + part, action: "describe the closure of \(named)")
      // The last line of a call may lack its end.
      if !registration.hasSuffix("\n") { registration += "\n" }
    }
    return try Closure(parsing: registration.utf8)
  }

  static func split(_ paths: [String]) -> [[String]] {
    stride(from: 0, to: paths.count, by: pathsPerCall).map {
      Array(paths[$0..<min($0 + pathsPerCall, paths.count)])
    }
  }

  private func output(_ arguments: [String], action: String) async throws -> String {
    let result = try await run(
      .path(path), arguments: Arguments(arguments), output: .string(limit: 1 << 28),
      error: .string(limit: 1 << 16))
    guard result.terminationStatus.isSuccess else {
      throw NixStoreFailure(action: action, reason: result.standardError)
    }
    return result.standardOutput
  }
}
