import Foundation
import SystemPackage
import TestSupport

@testable import NixStore

/// A private Nix store of a test, filled without building anything.
///
/// Its logical paths are in `/nix/store`; the files are below `root`.
final class NixTestStore: Sendable {
  let directory: TemporaryDirectory
  /// What `/nix/store` is below.
  let root: String
  /// `nix-store` for this store.
  let program: NixStoreProgram

  init() async throws {
    try Program.require("nix-store", package: "nix-bin")
    directory = try TemporaryDirectory()
    root = directory.appending("store")
    let nix = try Program.find("nix-store")
    try await directory.writeProgram(
      "#!/bin/sh\nNIX_REMOTE='\(root)' NIX_CONFIG='build-users-group =' exec '\(nix)' \"$@\"\n",
      to: "bin/nix-store")
    guard let program = NixStoreProgram(searching: directory.appending("bin")) else {
      throw TestSupportError.missingProgram("nix-store", package: "nix-bin")
    }
    self.program = program
  }

  /// Texts that refer to each other: the closure of the vectors.
  ///
  /// Gives the path of the last.
  func addTexts() async throws -> StorePath {
    // In the order of references; the text names the others by their paths.
    let expression = """
      let libc = builtins.toFile "golden-libc" "libc\\n";
          data = builtins.toFile "golden-data" "data\\n";
          libm = builtins.toFile "golden-libm" "libm uses ${libc}\\n";
          tool = builtins.toFile "golden-tool" "tool uses ${libm} and ${libc}\\n";
      in builtins.toFile "golden-app" "app uses ${tool}, ${libc} and ${data}\\n"
      """
    let result = try await Program.check(
      "nix-instantiate", ["--eval", "--read-write-mode", "-E", expression],
      environment: ["NIX_REMOTE": root, "NIX_CONFIG": "build-users-group ="])
    return try StorePath(parsing: result.text.trimmingCharacters(in: ["\""]))
  }

  /// A tree with everything that a store path may hold, names that are not UTF-8 included.
  func addTree() async throws -> StorePath {
    let script = """
      set -e; mkdir -p "$1/tree/empty" "$1/tree/deep/er"; cd "$1/tree"
      printf 'hello' > file; printf '#!/bin/sh\\n' > deep/program; chmod 755 deep/program; : > deep/er/nothing
      head -c 300000 /dev/zero > large; ln -s ../nowhere dangling; ln -s deep link
      printf x > "$(printf 'odd \\377 name')"; printf y > 'deep.txt'; printf z > '-n'
      """
    try await Program.check("/bin/sh", ["-c", script, "sh", directory.path])
    let result = try await run(["--add", directory.appending("tree")])
    return try StorePath(parsing: result.text)
  }

  func run(_ arguments: [String]) async throws -> Program.Result {
    try await Program.check(program.path.string, arguments)
  }

  /// Makes store paths writable again, or their directories could only be removed by root.
  func remove() async throws {
    try await Program.check("chmod", ["-R", "u+w", directory.path])
    directory.remove()
  }
}
