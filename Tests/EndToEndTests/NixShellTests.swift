import OrderedJSON
import TestSupport
import Testing

/// Images with a derivation's build environment (nix-dockertools.md, sections 12 and 17.2).
@Suite(WithNixStore(), WithDockerDaemon(), .serialized) struct NixShellTests {
  /// What a container of the image prints; `command` variants need a terminal.
  private static func run(_ expression: String, terminal: Bool = false) async throws -> String {
    try await NixPlace.suite.run(expression, options: terminal ? ["--tty"] : [])
  }

  /// The commands of an image, in the shell that it starts.
  private static func output(_ commands: String, more: String = "") async throws -> String {
    try await run(
      "dockerTools.streamNixShellImage { drv = helloPackage; \(more) run = ''\n\(commands)\n''; }")
  }

  @Test
  func
    `basic and build through run: buildDerivation builds the package as an ordinary user, where its outputs belong`()
    async throws
  {
    let text = try await Self.output("buildDerivation && $out/bin/hello && cat $doc/notes")
    #expect(text.contains("Running phase: buildPhase"))
    #expect(text.contains("building as 1000 in /build/source with 1"))
    #expect(text.hasSuffix("Hello, world!\nseveral\nlines"), "\(text)")
    let place = try NixPlace.suite
    let out = try await place.evaluate("builtins.unsafeDiscardStringContext helloPackage.outPath")
    #expect(try await Self.output("echo $out") == out.string)
  }

  @Test(arguments: ["streamNixShellImage-hello", "buildNixShellImage-hello"])
  func `the manual's image has the environment, under its name`(name: String) async throws {
    let place = try NixPlace.suite
    #expect(try await place.load(#"example "\#(name)""#) == ["hello-2.12.1-env:latest"])
    let config = try await place.inspect("hello-2.12.1-env:latest")["Config"]
    #expect(config?["User"] == "1000:1000" && config?["WorkingDir"] == "/build")
    let variables = (config?["Env"]?.array ?? []).compactMap(\.string)
    #expect(variables == variables.sorted())
    for variable in [
      "HOME=/build", "TMPDIR=/build", "TERM=xterm-256color", "NIX_BUILD_CORES=1", "NIX_STORE=/nix/store",
      "greeting=Hello, world!", "outputs=out doc", "name=hello-2.12.1",
    ] {
      #expect(variables.contains(variable), "\(variables)")
    }
    let bash = try await place.evaluate("\"${bash}/bin/bash\"").string ?? ""
    #expect(config?["Cmd"]?.array?.prefix(2) == [.string(bash), "--rcfile"])
  }

  @Test func `shellHook: it runs first, in a shell with a prompt`() async throws {
    let text = try await Self.run(
      """
      (example "streamNixShellImage-addingShellHook").override (old: { command = "echo \\"<$PS1>\\""; })
      """, terminal: true)
    #expect(text.contains("Hello, world!"))
    #expect(text.contains("[nix-shell:"), "\(text)")
  }

  @Test func `inputs: packages can be added`() async throws {
    let text = try await Self.run(
      #"(example "streamNixShellImage-extendingBuildInputs").override (old: { run = "cowsay moo"; })"#)
    #expect(text == "< moo >")
  }

  @Test func `run and command: one ends with the status of its commands, and command is for a terminal`()
    async throws
  {
    #expect(try await Self.output("case $- in *i*) echo interactive;; *) echo plain;; esac") == "plain")
    let text = try await Self.run(
      "dockerTools.buildNixShellImage { drv = helloPackage; command = \"case $- in *i*) echo interactive;; esac\"; }",
      terminal: true)
    #expect(text.contains("interactive"), "\(text)")
    await #expect(throws: (any Error).self) { try await Self.output("(exit 3)") }
  }

  @Test func `home and missing home: it is there and belongs to the user, unless it is another directory`()
    async throws
  {
    #expect(
      try await Self.output("cd; pwd; id -u; id -g; touch file && echo written")
        == "/build\n1000\n1000\nwritten")
    let other = try await Self.output(
      "echo $HOME; touch $HOME/file || echo refused", more: "homeDirectory = \"/nowhere\"; uid = 7; gid = 8;")
    #expect(other.hasPrefix("/nowhere") && other.hasSuffix("refused"))
    #expect(
      try await Self.output("id -u; id -g; touch /nix/store/x && echo written", more: "uid = 7; gid = 8;")
        == "7\n8\nwritten")
  }

  @Test func `passAsFile: the files are there instead of the variables`() async throws {
    #expect(
      try await Self.output("cat $notesPath; echo; printenv notes || echo unset") == "several\nlines\nunset")
  }
}
