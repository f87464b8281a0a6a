import Foundation
import OrderedJSON
import TestSupport
import Testing

/// What people write in their own Nix files: the flake, the overlay, the package, evaluated without nixpkgs.
@Suite struct NixPackageTests {
  private static let repository = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// As much of nixpkgs as `package.nix` calls.
  private static let nixpkgs = """
    rec {
      lib = with builtins; {
        inherit mapAttrs elem;
        concatStrings = concatStringsSep "";
        mapAttrsToList = f: set: attrValues (mapAttrs f set);
        optional = condition: x: if condition then [ x ] else [ ];
        optionalString = condition: x: if condition then x else "";
        makeLibraryPath = concatStringsSep ":";
        getDev = x: x;
        cleanSourceWith = x: x;
        licenses.asl20 = "asl20";
        platforms.linux = [ "x86_64-linux" ];
      };
      stdenv = {
        hostPlatform = { system = "x86_64-linux"; isx86_64 = true; isAarch64 = false; };
        cc.libc.static = "static C library";
        mkDerivation = attributes: attributes // { outPath = "/nix/store/00000000000000000000000000000000-cooper"; };
      };
      callPackage = path: more:
        let f = import path; in f (builtins.intersectAttrs (builtins.functionArgs f) everything // more);
      everything = final // builtins.listToAttrs (map (name: { inherit name; value = name; }) [
        "swift" "pkg-config" "autoPatchelfHook" "curl" "openssl" "libarchive" "zstd" "libdeflate" "jansson" "sqlite" "isa-l"
      ]);
      overlaid = import ./tools/nix/overlay.nix final { };
      final = { inherit lib stdenv callPackage; } // overlaid;
    }
    """

  /// The value of an expression in a copy of what a checkout has, by `nix-instantiate` or, for a flake, `nix eval`.
  private static func evaluate(_ arguments: (TemporaryDirectory) -> [String]) async throws -> Program.Result {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try await Program.check(
      "/bin/bash",
      [
        "-c", "mkdir \"$1/tools\" && cp -r \"$0/tools/nix\" \"$1/tools\" && cp \"$0/flake.nix\" \"$1\"",
        repository, directory.path,
      ])
    try directory.write(nixpkgs, to: "nixpkgs.nix")
    let words = arguments(directory)
    let result = try await Program.run(
      words[0], Array(words.dropFirst()),
      environment: [
        "HOME": directory.path, "XDG_CACHE_HOME": directory.appending("cache"),
        "NIX_REMOTE": directory.appending("store"),
        "NIX_CONFIG": "build-users-group =\nexperimental-features = nix-command flakes",
      ])
    _ = try await Program.run("chmod", ["-R", "u+w", directory.path])
    return result
  }

  private static func value(_ expression: String) async throws -> JSONValue {
    let result = try await evaluate {
      [
        "nix-instantiate", "--eval", "--strict", "--json", "--expr",
        "with import \($0.path)/nixpkgs.nix; \(expression)",
      ]
    }
    try #require(result.status == 0, "\(result.errors)")
    return try JSONValue(parsing: result.output)
  }

  /// What the flake's overlay gives to an expression, purely, where packages are called with more arguments.
  private static func flake(_ expression: String, arguments: String) async throws -> Program.Result {
    let apply = """
      overlay:
      let
        final = { callPackage = path: more: import path ({ cooper = "/x"; \(arguments) } // more); };
        set = overlay final { };
      in \(expression)
      """
    return try await evaluate {
      ["nix", "eval", "--json", "--no-write-lock-file", "path:\($0.path)#overlays.default", "--apply", apply]
    }
  }

  @Test func `the flake has the overlay, and its functions are pure`() async throws {
    let result = try await Self.flake(
      "{ names = builtins.attrNames set; image = (set.dockerTools.buildLayeredImage { name = \"a\"; }).name; }",
      arguments: "buildSystem = \"x86_64-linux\";")
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      try JSONValue(parsing: result.output) == ["image": "a.tar.gz", "names": ["cooper", "dockerTools"]])
  }

  @Test func `where no machine is known, the argument that names it is`() async throws {
    let result = try await Self.flake(
      "(set.dockerTools.buildImage { name = \"a\"; }).drvPath", arguments: "")
    #expect(result.status == 1 && result.errors.contains("give “buildSystem”"), "\(result.errors)")
  }

  @Test func `the overlay's dockerTools is made of the overlay's cooper`() async throws {
    let facts = try await Self.value(
      "{ inherit (final.cooper) pname; builder = (final.dockerTools.buildImage { name = \"a\"; }).drvAttrs.builder; }"
    )
    #expect(facts["pname"] == "cooper")
    #expect(facts["builder"]?.string?.hasSuffix("-cooper/bin/cooper") == true)
  }

  @Test func `the package is built of the libraries that this checkout is built of`() async throws {
    let resolved = try await Self.value("builtins.fromJSON final.cooper.resolved")
    let file = [UInt8](try Data(contentsOf: URL(filePath: Self.repository + "/Package.resolved")))
    func pins(_ document: JSONValue) -> Set<[JSONValue?]> {
      Set(
        (document["pins"]?.array ?? []).map {
          [$0["identity"], $0["location"], $0["state"]?["revision"], $0["state"]?["version"]]
        })
    }
    let own = try pins(JSONValue(parsing: file))
    #expect(!own.isEmpty && pins(resolved) == own)
    let state = try await Self.value("builtins.fromJSON final.cooper.state")
    #expect(state["object"]?["dependencies"]?.array?.count == own.count)
  }

  @Test func `the package has the program that works in virtual machines`() async throws {
    let facts = try await Self.value("{ inherit (final.cooper) buildPhase installPhase buildInputs; }")
    #expect(facts["buildPhase"]?.string?.contains("for product in cooper cooper-guest") == true)
    #expect(facts["installPhase"]?.string?.contains(" $out/libexec/cooper/cooper-guest\n") == true)
    #expect(facts["buildInputs"]?.array?.contains("static C library") == true)
  }

  @Test func `the package has the program's version, and patches what the manifest has`() async throws {
    let facts = try await Self.value("{ inherit (final.cooper) version postPatch; }")
    #expect(try await facts["version"]?.string == Program.check(Program.builtTool, ["--version"]).text)
    let manifest = try String(contentsOfFile: Self.repository + "/Package.swift", encoding: .utf8)
    #expect(facts["postPatch"]?.string?.contains("Package.swift --replace-fail /usr/include/ ") == true)
    #expect(manifest.contains("\"/usr/include/"))
  }
}
