import ImageBuild
import NixStore
import OrderedJSON
import SystemPackage
import TestSupport
import Testing

/// What an image of a build environment is made of (nix-dockertools.md, section 12).
@Suite struct BuildEnvironmentTests {
  private static let hash = String(repeating: "0", count: 32)
  private static let out = "/nix/store/\(hash)-x-1.0"
  private static let bash = "/nix/store/\(hash)-bash-5.2/bin/bash"

  /// A derivation with these variables besides what each has.
  private static func derivation(
    _ variables: [String: String] = [:], output: String = out, system: String = "x86_64-linux",
    builder: String = bash, arguments: [String] = ["-e", "it's"]
  ) throws -> Derivation {
    let all = ["name": "x-1.0", "out": output].merging(variables) { $1 }
    func quoted(_ text: String) -> String {
      "\"" + text.flatMap { $0 == "\n" ? "\\n" : "\"\\".contains($0) ? "\\\($0)" : "\($0)" } + "\""
    }
    let environment = all.sorted { $0.key < $1.key }.map { "(\(quoted($0.key)),\(quoted($0.value)))" }
    let text =
      "Derive([(\"out\",\(quoted(output)),\"\",\"\")],[],[],\(quoted(system)),\(quoted(builder)),"
      + "[\(arguments.map(quoted).joined(separator: ","))],[\(environment.joined(separator: ","))])"
    return try Derivation(parsing: text.utf8)
  }

  private static func environment(
    _ derivation: Derivation, _ more: JSONObject = [:]
  ) throws -> (environment: BuildEnvironment, spec: ShellSpec) {
    var object: JSONObject = ["drv": "x.drv"]
    for member in more.members { object[member.name] = member.value }
    let spec = try ShellSpec(parsing: JSONValue.object(object).serialized(), directory: "/")
    return (try BuildEnvironment(of: derivation, spec: spec), spec)
  }

  /// The text of a file that is made for the image.
  private static func text(_ path: String, in environment: BuildEnvironment) throws -> String {
    let entries = environment.trees.flatMap(\.tree.entries)
    let entry = try #require(entries.first { "/" + $0.path == path }, "\(path) is not in the image")
    guard case .file(let bytes, _) = entry.content else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func `the derivation overrides what comes first, and nothing overrides what comes last`() throws {
    let derivation = try Self.derivation(["HOME": "/own", "TERM": "dumb", "TMP": "/tmp", "PATH": "/own/bin"])
    let variables = try Self.environment(derivation).environment.variables
    #expect(variables["HOME"] == "/own" && variables["PATH"] == "/own/bin" && variables["out"] == Self.out)
    #expect(variables["TERM"] == "xterm-256color" && variables["NIX_BUILD_CORES"] == "1")
    for name in ["NIX_BUILD_TOP", "TMPDIR", "TEMPDIR", "TMP", "TEMP", "PWD"] {
      #expect(variables[name] == "/build")
    }
    #expect(variables["SSL_CERT_FILE"] == nil)
  }

  @Test func `certificates are those of the package`() throws {
    let package = "/nix/store/\(Self.hash)-cacert"
    let environment = try Self.environment(Self.derivation(), ["cacert": .string(package)]).environment
    #expect(environment.variables["NIX_SSL_CERT_FILE"] == package + "/etc/ssl/certs/ca-bundle.crt")
    #expect(environment.packages.map(\.name) == ["bash-5.2", "cacert"])
  }

  @Test func `passAsFile makes files of variables, with outputs for placeholders`() throws {
    let placeholder = Derivation.placeholder("out")
    let derivation = try Self.derivation([
      "passAsFile": "a  missing\n", "a": "to \(placeholder)\n", "b": placeholder,
    ])
    let environment = try Self.environment(derivation).environment
    #expect(environment.variables["a"] == nil && environment.variables["missingPath"] == nil)
    #expect(environment.variables["b"] == Self.out)
    let path = try #require(environment.variables["aPath"])
    #expect(path.hasPrefix("/nix/store/") && path.hasSuffix("-shell-passAsFile-a"))
    #expect(try Self.text(path, in: environment) == "to \(Self.out)\n")
  }

  @Test func `buildDerivation is the builder with its arguments, each one word`() throws {
    let environment = try Self.environment(Self.derivation(arguments: ["-e", "it's", "a\nb"])).environment
    let path = environment.shell.buildDirectory + "/bin/buildDerivation"
    #expect(
      try Self.text(path, in: environment) == "#!\(Self.bash)\nexec '\(Self.bash)' '-e' 'it'\\''s' 'a\nb'\n")
  }

  @Test(
    arguments: [
      (["run": "echo a"], ["x"], "echo a\nexit\n"),
      (["command": "echo b"], ["--rcfile", "x"], "echo b\nexit\n"),
      ([:], ["--rcfile", "x"], "shopt -s execfail\n"),
    ] as [(JSONObject, [String], String)])
  func `commands are what the shell's file ends with`(
    keys: JSONObject, arguments: [String], end: String
  ) throws {
    let shell = try Self.environment(Self.derivation(), keys).environment.shell
    #expect(shell.command(startupFile: "x") == [Self.bash] + arguments)
    #expect(shell.startupFile.hasSuffix(end))
  }

  @Test func `the layered image has the user and what the user writes to`() throws {
    let (environment, spec) = try Self.environment(Self.derivation(), ["uid": 7, "gid": 8, "tag": "t"])
    let layered = try spec.layered(environment, now: DateText(seconds: 0))
    #expect(layered.imageName == "x-1.0-env" && layered.tag == "t" && layered.architecture == "amd64")
    #expect(layered.config["User"] == "7:8" && layered.config["WorkingDir"] == "/build")
    #expect(
      layered.permissions.map(\.path) == ["build", "etc/nix", "nix", "nix/store", "nix/var", "nix/var/nix"])
    #expect(layered.permissions.allSatisfy { $0.uid == 7 && $0.gid == 8 })
    let names = (layered.config["Env"]?.array ?? []).compactMap { $0.string?.prefix { $0 != "=" } }
    #expect(names == names.sorted() && names.contains("out"))
    #expect(
      try Self.text("/etc/passwd", in: environment).contains("\nnixbld:x:7:8:Build user:/build:/noshell\n"))
  }

  @Test func `a name that no image can have is told`() throws {
    let (environment, spec) = try Self.environment(Self.derivation(["name": "a?b"]))
    let error = try #require(throws: SpecError.self) {
      try spec.layered(environment, now: DateText(seconds: 0))
    }
    #expect(error.description.contains("“name” should be"), "\(error)")
  }

  @Test func `what cannot be in an image is refused with its reason`() throws {
    func message(_ derivation: Derivation, _ keys: JSONObject = [:]) throws -> String {
      try #require(throws: BuildEnvironmentError.self) { try Self.environment(derivation, keys) }.description
    }
    #expect(try message(Self.derivation(["__json": "{}"])).contains("structured attributes"))
    #expect(try message(Self.derivation(output: "")).contains("“out” is only known after the build"))
    #expect(try message(Self.derivation(builder: "builtin:fetchurl")).contains("builtin:fetchurl"))
    #expect(try message(Self.derivation(system: "aarch64-darwin")).contains("“aarch64-darwin”"))
    #expect(try message(Self.derivation(builder: "/nix/store/x/bin/perl")).contains("“shell” is missing"))
    #expect(try message(Self.derivation(builder: "/bin/bash")).contains("“shell” is /bin/bash, which is not"))
    #expect(try message(Self.derivation(), ["coreutils": "/usr"]).contains("“coreutils” is /usr"))
  }
}
