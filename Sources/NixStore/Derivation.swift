import Hashing

/// What a `.drv` file says: how some store paths are built (nix-integration.md, section 10).
public struct Derivation: Hashable, Sendable {
  /// One store path that is built.
  public struct Output: Hashable, Sendable {
    /// `out`, `dev` and the like.
    public let name: String
    /// nil when the path is only known after the build, as that of content-addressed derivations.
    public let path: StorePath?
    /// `sha256`, or `r:sha256` for the hash of an archive; empty unless the output is fixed.
    public let hashAlgorithm: String
    /// In hexadecimal digits; empty unless the output is fixed.
    public let hash: String
  }

  /// Another derivation whose outputs are needed.
  public struct Input: Hashable, Sendable {
    /// The path of its `.drv` file.
    public let derivation: StorePath
    /// The names of the outputs.
    public let outputs: [String]
  }

  /// What is built, sorted by name.
  public let outputs: [Output]
  /// What has to be built before, sorted by path.
  public let inputDerivations: [Input]
  /// Store paths that are no outputs, sorted.
  public let inputSources: [StorePath]
  /// Nix's name of the machine that builds: `x86_64-linux`.
  public let system: String
  /// The program that builds.
  public let builder: String
  /// What it is called with.
  public let arguments: [String]
  /// The variables that it gets, as they are written; see `environment`.
  public let writtenEnvironment: [String: String]

  /// The variables with the paths of outputs where `builtins.placeholder` stands for them.
  public var environment: [String: String] { writtenEnvironment.mapValues(fillingPlaceholders) }

  /// The builder and its arguments, with the paths of outputs likewise.
  public var command: [String] { ([builder] + arguments).map(fillingPlaceholders) }

  private func fillingPlaceholders(_ text: String) -> String {
    outputs.reduce(text) { text, output in
      output.path.map { text.replacing(Self.placeholder(output.name), with: $0.description) } ?? text
    }
  }

  /// What stands for the path of an output before that is known (`builtins.placeholder`).
  public static func placeholder(_ output: String) -> String {
    "/" + NixBase32.encode(Digest(of: "nix-output:\(output)".utf8).bytes)
  }
}
