import Glibc
import Subprocess
import SystemPackage

/// The programs of others that are used, and the user's files.
enum ToolFindings {
  /// Nix: the program, its version and the store.
  static func nix(_ environment: ProcessEnvironment, storeRoot: String) async -> Finding {
    let store = "\(storeRoot)/nix/store"
    let hasStore = access(store, R_OK | X_OK) == 0
    let place = hasStore ? "store in \(store)" : "no store in \(store)"
    guard let program = environment.program("nix-store") else {
      return Finding(
        hasStore ? .limited : .missing, "Nix", "no nix-store in PATH, \(place)",
        cost: "specs with store paths need “closure”, and prefetch adds nothing to a store")
    }
    let version = await version(of: program)
    let fact = "\(version ?? "a version that it does not tell"), \(program), \(place)"
    if hasStore { return Finding(good: "Nix", fact) }
    return Finding(.limited, "Nix", fact, cost: "specs with store paths need a store, or --store-root")
  }

  /// `nix-store --version` prints `nix-store (Nix) 2.8.0`.
  private static func version(of program: FilePath) async -> String? {
    let result = try? await run(
      .path(program), arguments: ["--version"], output: .string(limit: 1 << 16), error: .discarded)
    return result?.standardOutput.split(separator: "\n").first.flatMap { $0.split(separator: " ").last }
      .map(String.init)
  }

  /// A program that scripts are run by.
  static func program(
    _ name: String, package: String, _ environment: ProcessEnvironment, cost: String
  ) -> Finding {
    if let path = environment.program(name) { return Finding(good: name, path.string) }
    return Finding(.missing, name, "not in PATH", cost: "\(cost); install Debian's \(package)")
  }

  /// The login files in the order in which a login is looked for.
  static func logins(_ files: LoginFiles) -> Finding {
    let found = files.locations.map(\.path).filter { access($0, R_OK) == 0 }
    let target = files.target.map { "; cooper login writes \($0.path)" } ?? ""
    guard let first = found.first else {
      return Finding(
        .limited, "logins", "none of \(files.locations.map(\.path).joined(separator: ", "))",
        cost: "only what registries show to everybody\(target)")
    }
    let others = found.dropFirst().map { ", then \($0)" }.joined()
    return Finding(good: "logins", "\(first)\(others)\(target)")
  }
}
