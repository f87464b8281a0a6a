import Subprocess
import SystemPackage

extension NixStoreProgram {
  /// Builds outputs of derivations, or fetches them, unless they are there (`nix-store --realise`).
  ///
  /// What Nix and builders print goes to this process's standard error.
  ///
  /// - Returns: the paths of the outputs, sorted.
  /// - Throws: `NixStoreFailure`, `StorePathError`.
  public func realise(_ inputs: [Derivation.Input], quietly: Bool = false) async throws -> [StorePath] {
    let words = inputs.map { "\($0.derivation)!\($0.outputs.joined(separator: ","))" }
    var paths: Set<StorePath> = []
    for part in Self.split(words) {
      let options = ["--realise"] + (quietly ? ["--quiet", "--no-build-output"] : [])
      let result = try await run(
        .path(path), arguments: Arguments(options + part), output: .string(limit: 1 << 24),
        error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
      guard result.terminationStatus.isSuccess else {
        let named = part.count == 1 ? part[0] : "\(part[0]) and \(part.count - 1) more"
        throw NixStoreFailure(action: "build \(named)", reason: "what it printed is above")
      }
      for line in result.standardOutput.split(separator: "\n") {
        paths.insert(try StorePath(inAnyStore: String(line)))
      }
    }
    return paths.sorted()
  }
}
