import Foundation
import Hashing
import OrderedJSON
import TestSupport
import Testing

/// `cooper build shell` and `cooper stream shell`: build environments from `.drv` files (nix-dockertools.md, sections 12 and 17.2).
@Suite(WithNixStore(), WithDockerDaemon(), .serialized) struct NixShellCommandTests {
  /// Writes a spec for the derivation that an expression gives, with what nixpkgs takes of its own accord.
  static func spec(
    _ derivation: String, _ keys: JSONObject = [:], to name: String = "spec.json"
  ) async throws -> String {
    let place = try NixPlace.suite
    let facts = try await place.evaluate(
      #"{ drv = (\#(derivation)).drvPath; shell = "${bash}/bin/bash"; coreutils = "${coreutils}"; cacert = "${cacert}"; tag = "1"; }"#
    )
    var document = try #require(facts.object)
    // What the spec names besides the derivation has to be there.
    _ = try await place.build("[ bash coreutils cacert ]")
    for member in keys.members { document[member.name] = member.value }
    return try place.directory.write(JSONValue.object(document).serialized(), to: name)
  }

  static func cooper(
    _ arguments: [String], environment more: [String: String] = [:]
  ) async throws -> Program.Result {
    let environment = try NixPlace.suite.environment.merging(
      ["PATH": "/usr/bin:/bin"].merging(more) { $1 }
    ) { $1 }
    return try await Program.run(Program.builtTool, arguments, environment: environment)
  }

  /// Builds a spec into a docker-archive.
  static func build(_ spec: String, environment: [String: String] = [:]) async throws -> String {
    let path = try NixPlace.suite.directory.appending("shell.tar")
    let result = try await cooper(["build", "shell", spec, "-o", path], environment: environment)
    try #require(result.status == 0, "\(result.errors)")
    return path
  }

  static func digest(of file: String) throws -> Digest {
    Digest(of: [UInt8](try Data(contentsOf: URL(fileURLWithPath: file))))
  }

  /// What a container of the image prints; shells for typing need a terminal.
  private static func run(_ archive: String, terminal: Bool = false) async throws -> String {
    try await Engines.docker.docker(["load", "--input", archive])
    let name = try #require(try await NixPlace.suite.repoTags(of: archive).first)
    let options = terminal ? ["--tty"] : []
    return try await Engines.docker.docker(["run", "--rm", "--network", "none"] + options + [name]).text
  }

  // MARK: The same as the function

  @Test func `the image is that of the function, but for paths of files that are made for it`() async throws {
    let place = try NixPlace.suite
    let own = try await Self.build(await Self.spec("helloPackage"))
    let function = try await place.build(
      #"dockerTools.buildNixShellImage { drv = helloPackage; tag = "1"; compressor = "none"; }"#)
    #expect(try await place.repoTags(of: own) == place.repoTags(of: function))
    let (left, right) = try await (place.configuration(of: own), place.configuration(of: function))
    // A layer for each store path; the function has some more, of what is made for it.
    func layers(_ configuration: JSONValue) -> [String] {
      (configuration["rootfs"]?["diff_ids"]?.array ?? []).compactMap(\.string)
    }
    let closure = try await place.nix(
      "nix-store", ["-qR"] + Self.inputs(of: "helloPackage", in: place))
    #expect(layers(left).count == closure.text.split(separator: "\n").count + 1)
    #expect(Set(layers(left).dropLast()).isSubset(of: layers(right).dropLast()))
    #expect(left["architecture"] == right["architecture"] && left["created"] == right["created"])

    let (mine, theirs) = (left["config"], right["config"])
    for name in ["User", "WorkingDir"] { #expect(mine?[name] == theirs?[name]) }
    func variables(_ config: JSONValue?) -> [String] { (config?["Env"]?.array ?? []).compactMap(\.string) }
    #expect(variables(mine).map(Self.withoutHashes) == variables(theirs).map(Self.withoutHashes))
    let differing = Set(variables(mine)).symmetricDifference(variables(theirs))
    #expect(Set(differing.map { String($0.prefix { $0 != "=" }) }) == ["PATH", "notesPath"])
    // The files themselves.
    for name in ["nix-shell-rc", "shell-passAsFile-notes", "build-derivation/bin/buildDerivation"] {
      let texts = try await (Self.file(name, in: own), Self.file(name, in: function))
      #expect(!texts.0.isEmpty && Self.withoutHashes(texts.0) == Self.withoutHashes(texts.1), "\(name)")
    }
  }

  /// The store paths that a build has, and those of `spec`.
  static func inputs(of name: String, in place: NixPlace) async throws -> [String] {
    let drv = try await place.evaluate("\(name).drvPath").string ?? ""
    let references = try await place.nix("nix-store", ["-q", "--references", drv]).text
      .split(separator: "\n").map(String.init)
    let sources = references.filter { !$0.hasSuffix(".drv") }
    let outputs = try await place.nix("nix-store", ["-r"] + references.filter { $0.hasSuffix(".drv") })
    let more = try await place.evaluate(#"[ "${bash}" "${coreutils}" "${cacert}" ]"#)
    return sources + outputs.text.split(separator: "\n").map(String.init)
      + (more.array ?? []).compactMap(\.string)
  }

  private static func withoutHashes(_ text: String) -> String {
    text.replacing(#//nix/store/[0-9a-z]{32}-/#, with: "/nix/store/HASH-")
  }

  /// The text of a file in the store of an image.
  private static func file(_ name: String, in archive: String) async throws -> String {
    let script = #"""
      set -e; mkdir "$2"; tar -xf "$1" -C "$2"
      find "$2" -name '*.tar' | while read -r layer; do tar -xOf "$layer" --wildcards "*-$3" 2>/dev/null || true; done
      rm -r "$2"
      """#
    let scratch = try NixPlace.suite.directory.appending("unpacked")
    return try await Program.check("/bin/bash", ["-c", script, "bash", archive, scratch, name]).text
  }

  // MARK: Containers

  @Test func `basic: buildDerivation builds the package, whose inputs Nix has built for the image`()
    async throws
  {
    let place = try NixPlace.suite
    // Nothing of this one is there yet.
    let fresh =
      #"helloPackage.overrideAttrs (old: { tool = stdenv.mkDerivation { name = "tool"; buildPhase = "echo new > tool"; installPhase = "cp tool $out"; }; })"#
    let archive = try await Self.build(
      await Self.spec(fresh, ["run": "buildDerivation && $out/bin/hello && cat $doc/notes; id -u; cat $tool"])
    )
    let text = try await Self.run(archive)
    #expect(text.contains("building as 1000 in /build/source with 1"))
    #expect(text.hasSuffix("Hello, world!\nseveral\nlines1000\nnew"), "\(text)")
    // The outputs themselves were neither built nor taken along.
    let out = try await place.evaluate("builtins.unsafeDiscardStringContext (\(fresh)).outPath").string ?? ""
    #expect(!FileManager.default.fileExists(atPath: place.store + out))
  }

  @Test func `outputs that are in the store already are not in the image`() async throws {
    let place = try NixPlace.suite
    let out = String(try await place.build("helloPackage").prefix { $0 != "\n" }.dropFirst(place.store.count))
    let archive = try await Self.build(await Self.spec("helloPackage"))
    let files = try await place.files(of: archive).joined()
    #expect(files.contains { $0.contains("-bash-5.2/bin/bash") })
    #expect(!files.contains { $0.contains(out) })
  }

  @Test func `inputs: packages that were added are on PATH`() async throws {
    let drv = "helloPackage.overrideAttrs (old: { nativeBuildInputs = [ cowsay ]; })"
    #expect(try await Self.run(Self.build(Self.spec(drv, ["run": "cowsay moo"]))) == "< moo >")
  }

  @Test func `shellHook: it runs before the prompt, and what it sets is there`() async throws {
    let drv = "helloPackage.overrideAttrs (old: { shellHook = \"echo from the hook; HOOKED=yes\"; })"
    let archive = try await Self.build(await Self.spec(drv, ["command": "echo \"$HOOKED <$PS1>\""]))
    let text = try await Self.run(archive, terminal: true)
    #expect(
      text.contains("from the hook") && text.contains("yes <") && text.contains("[nix-shell:"), "\(text)")
  }

  @Test func `command and run: one shell is for typing, and both end with the status of what they run`()
    async throws
  {
    let kind = "case $- in *i*) echo typing;; *) echo plain;; esac"
    #expect(try await Self.run(Self.build(Self.spec("helloPackage", ["run": .string(kind)]))) == "plain")
    let typed = try await Self.build(await Self.spec("helloPackage", ["command": .string(kind)]))
    #expect(try await Self.run(typed, terminal: true).contains("typing"))
    let failing = try await Self.build(await Self.spec("helloPackage", ["run": "(exit 3)"]))
    await #expect(throws: (any Error).self) { try await Self.run(failing) }
  }

  @Test func `passAsFile: the file is there instead of the variable`() async throws {
    let commands: JSONValue = "cat $notesPath; echo; printenv notes || echo unset"
    #expect(
      try await Self.run(Self.build(Self.spec("helloPackage", ["run": commands]))) == "several\nlines\nunset")
  }

  @Test func `home and missing home: the user's own is writable, another is not there`() async throws {
    let own: JSONValue =
      "cd; pwd; id -u; id -g; touch file /nix/store/x && echo written; [ -w /etc/passwd ] || echo root"
    #expect(
      try await Self.run(Self.build(Self.spec("helloPackage", ["run": own, "uid": 7, "gid": 8])))
        == "/build\n7\n8\nwritten\nroot")
    let missing = try await Self.build(
      await Self.spec(
        "helloPackage", ["run": "echo $HOME; touch ~/x || echo refused", "homeDirectory": "/nowhere"]))
    let text = try await Self.run(missing)
    #expect(text.hasPrefix("/nowhere") && text.hasSuffix("refused"))
  }

  @Test func `/bin/sh and /usr/bin/env are there, env by its name alone`() async throws {
    let document: JSONObject = [
      "run": "/usr/bin/env echo from env; readlink /usr/bin/env; ls -l /bin/sh >/dev/null && echo sh",
      "coreutils": .null,
    ]
    let text = try await Self.run(Self.build(Self.spec("helloPackage", document)))
    #expect(text.hasPrefix("from env\n/nix/store/") && text.contains("-coreutils-9.1/bin/env\nsh"), "\(text)")
  }

  @Test func `a derivation without coreutils has no /usr/bin/env, which is told`() async throws {
    let place = try NixPlace.suite
    let bare =
      #"derivation { name = "bare"; inherit system; builder = "${bash}/bin/bash"; args = [ "-c" "echo made > $out" ]; }"#
    // The shell is the builder then.
    let run: JSONValue = "buildDerivation && read -r text < $out && echo $text"
    let spec = try await Self.spec(bare, ["coreutils": .null, "shell": .null, "run": run])
    let path = place.directory.appending("bare.tar")
    let result = try await Self.cooper(["build", "shell", spec, "-o", path])
    #expect(result.status == 0 && result.errors.contains("no /usr/bin/env"), "\(result.errors)")
    #expect(try await !place.files(of: path).joined().contains { $0.contains(" ./usr/bin/env") })
    #expect(try await Self.run(path) == "made")
  }
}
