import Foundation
import OrderedJSON
import TestSupport
import Testing

/// Scripts of a layered spec with `enableFakechroot`, and what is said of scripts that fail.
@Suite struct FakechrootTests {
  private let place: Workplace
  private let item: String

  init() throws {
    place = try Workplace()
    item = place.directory.appending("store/00000000000000000000000000000000-p")
    try place.directory.write("shared\n", to: "store/00000000000000000000000000000000-p/share/text")
  }

  private func spec(_ members: JSONObject) throws -> String {
    var document: JSONObject = [
      "name": "app", "tag": "1", "compressor": "none", "includeStorePaths": false, "enableFakechroot": true,
      "contents": [.string(item)],
    ]
    for member in members.members { document[member.name] = member.value }
    return try place.directory.write(
      String(decoding: JSONValue.object(document).serialized(), as: UTF8.self), to: "spec.json")
  }

  private func build(
    _ members: JSONObject, environment: [String: String] = [:]
  ) async throws -> Program.Result {
    try await place.cooper(
      ["build", "layered", spec(members), "-o", "-", "--quiet"],
      environment: ["NIX_STORE_DIR": place.directory.appending("store")].merging(environment) { $1 })
  }

  /// The last layer's listing.
  private func listing(_ archive: [UInt8]) async throws -> [String] {
    let manifest = try await Program.check("tar", ["-xOf", "-", "manifest.json"], input: archive).output
    let names = try JSONValue(parsing: manifest).array?[0]["Layers"]?.array?.compactMap(\.string) ?? []
    let layer = try await Program.check("tar", ["-xOf", "-", try #require(names.last)], input: archive).output
    let text = try await Program.check("tar", ["--numeric-owner", "-tvPf", "-"], input: layer).text
    return text.split(separator: "\n").map(String.init)
  }

  /// Cases 50 and 57 of nix-dockertools.md, section 17.1.
  private static let commands = """
    mkdir -p /bin /home/alice
    cat /share/text > /bin/hello
    chmod 755 /bin/hello
    chown 12345:12345 /bin/hello
    mv /bin/hello /bin/moved; cp -a /bin/moved /bin/hello
    chown 1000 /home/alice
    mknod /home/null c 1 3
    echo gone > /dev/null
    echo gone > "$TMPDIR/file"
    [ "$PWD" = / ]
    """

  @Test func `the image is the root of the script, and owners are kept`() async throws {
    defer { place.remove() }
    let result = try await build(["fakeRootCommands": .string(Self.commands)])
    try #require(result.status == 0, "\(result.errors)")
    #expect(result.errors.isEmpty, "\(result.errors)")
    let layer = try await listing(result.output)
    let expected = [
      "drwxr-xr-x 0/0 ./", "drwxr-xr-x 0/0 ./bin/", "-rwxr-xr-x 12345/12345 ./bin/hello",
      "-rwxr-xr-x 12345/12345 ./bin/moved", "drwxr-xr-x 0/0 ./home/", "drwxr-xr-x 1000/0 ./home/alice/",
      "crw-r--r-- 0/0 ./home/null", "drwxr-xr-x 0/0 ./share/",
      "lrwxrwxrwx 0/0 ./share/text -> \(item)/share/text",
    ]
    let found = layer.map { line in
      let words = line.split(separator: " ")
      return (words.prefix(2) + words.dropFirst(5)).joined(separator: " ")
    }
    #expect(found == expected)
  }

  /// By old and by young system calls: `stat`, `statx`, `faccessat2`.
  @Test func `a script sees the image's files only`() async throws {
    defer { place.remove() }
    let result = try await build([
      "fakeRootCommands": """
      for file in /etc/debian_version /etc/passwd /usr/bin/env; do
        if [ -e $file ] || [ -r $file ] || stat $file 2>/dev/null; then echo "sees $file"; fi
      done
      touch /own; [ -r /own ]; stat -c %n /own; ls -d /own
      ls -A /
      """
    ])
    #expect(result.status == 0, "\(result.errors)")
    let mounted = String(place.directory.path.split(separator: "/")[0])
    #expect(
      Set(result.errors.split(separator: "\n").map(String.init))
        == ["/own", ".cooper", "dev", "own", "proc", "share", "sys", mounted], "\(result.errors)")
  }

  @Test(.enabled(if: RootAccess.isExpected, "an ordinary user cannot remove devices anyway"))
  func `root's script cannot remove the devices of this machine`() async throws {
    defer { place.remove() }
    let result = try await build([
      "fakeRootCommands": "! rm -f /dev/null; echo made > /dev/zero2; rm -r /dev/shm"
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(access("/dev/null", F_OK) == 0)
    #expect(access("/dev/zero2", F_OK) != 0)
    #expect(access("/dev/shm", F_OK) == 0)
    #expect(try await !listing(result.output).contains { $0.contains("dev") })
  }

  /// As in `shadowSetup`'s example (dockerTools-manual.md).
  @Test func `users are made in the image and not on this machine`() async throws {
    defer { place.remove() }
    let result = try await build([
      "contents": ["helper:fakeNss"],
      "fakeRootCommands":
        "groupadd -r cooper-test; useradd -r -g cooper-test cooper-test; mkdir /data; chown cooper-test: /data",
    ])
    try #require(result.status == 0, "\(result.errors)")
    let layer = try await listing(result.output)
    #expect(layer.contains { $0.hasPrefix("drwxr-xr-x 999/999 ") && $0.hasSuffix(" ./data/") }, "\(layer)")
    #expect(try !String(contentsOfFile: "/etc/passwd", encoding: .utf8).contains("cooper-test"))
  }

  @Test(
    .enabled(if: RootAccess.isExpected, "only root can become another user"),
    arguments: [true, false])
  func `root and an ordinary user get the same bytes, whatever mask, time zone and language`(chroot: Bool)
    async throws
  {
    defer { place.remove() }
    let commands =
      chroot
      ? Self.commands
      : Self.commands.replacingOccurrences(of: " /", with: " ./")
        .replacingOccurrences(of: "./dev/null", with: "/dev/null")
        .replacingOccurrences(of: "cat ./share", with: "cat share").replacingOccurrences(
          of: "= ./", with: "!= /")
    let spec = try spec([
      "enableFakechroot": .bool(chroot), "fakeRootCommands": .string(commands),
      "extraCommands":
        "mkdir closed; echo x > closed/file; chmod 500 closed; umask > mask; date -d @0 > date",
    ])
    let tool = place.directory.appending("cooper")
    // By another process: see `writeProgram`.
    try await Program.check("cp", [Program.builtTool, tool])
    let scratch = place.directory.appending("scratch")
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
    chmod(place.directory.path, 0o755)
    chmod(scratch, 0o1777)
    var outputs: [[UInt8]] = []
    for user in [nil, "65534"] as [String?] {
      let command = "umask \(user == nil ? "022" : "077"); exec \"$@\""
      let identity = user.map { ["setpriv", "--reuid", $0, "--regid", $0, "--clear-groups"] } ?? []
      let result = try await Program.check(
        "bash",
        ["-c", command, "bash"] + identity + [
          tool, "build", "layered", spec, "-o", "-", "-q", "--no-layer-cache",
        ],
        environment: [
          "NIX_STORE_DIR": place.directory.appending("store"), "TMPDIR": scratch, "HOME": scratch,
          "TZ": user == nil ? "UTC" : "Asia/Kolkata", "LANG": user == nil ? "C" : "C.UTF-8",
        ])
      outputs.append(result.output)
    }
    #expect(outputs[0].count > 1000)
    #expect((outputs[0] == outputs[1]) as Bool)
    let left = try FileManager.default.subpathsOfDirectory(atPath: scratch)
    #expect(left.isEmpty)
  }

  /// What nixpkgs makes of them: `tar` in the same fakeroot (nix-dockertools.md, section 2.6).
  @Test func `commands give the layer that fakeroot and GNU tar give`() async throws {
    defer { place.remove() }
    try Program.require("fakeroot", package: "fakeroot")
    let commands = """
      mkdir -p home/alice dev etc closed; echo a > etc/a; chown 1000 home/alice; chown 12345:12345 etc/a; chmod 4711 etc/a
      cp -a etc/a etc/copy; mknod dev/null c 1 3; mknod dev/disk b 259 70000; mkfifo dev/pipe; ln -s a etc/l; chown -h 5:6 etc/l
      chown 3000000 dev/pipe; ln etc/a etc/b; rm etc/a; chmod 0500 closed; chmod 000 home; echo x > etc/new
      chown 5 etc/new; install -d -o 7 -g 8 -m 1777 etc/t; for i in 1 2 3; do echo $i > etc/n$i; chown $i etc/n$i; rm etc/n$i; done; touch etc/last; chmod 2755 etc
      """
    let result = try await build([
      "enableFakechroot": false, "contents": [], "fakeRootCommands": .string(commands),
    ])
    try #require(result.status == 0, "\(result.errors)")
    let manifest = try await Program.check("tar", ["-xOf", "-", "manifest.json"], input: result.output).output
    let names = try JSONValue(parsing: manifest).array?[0]["Layers"]?.array?.compactMap(\.string) ?? []
    let layer = try await Program.check(
      "tar", ["-xOf", "-", try #require(names.last)], input: result.output
    ).output
    let tree = place.directory.appending("tree")
    let tar = "tar --sort=name --hard-dereference --numeric-owner --mtime=@315532800 -cf - ."
    let expected = try await Program.check(
      "fakeroot",
      ["bash", "-e", "-c", "umask 022; mkdir \"$1\"; cd \"$1\"; { \(commands)\n} >&2; \(tar)", "bash", tree]
    ).output
    let list = ["--numeric-owner", "-tvf", "-"]
    let (found, wanted) = try await (
      Program.check("tar", list, input: layer).text, Program.check("tar", list, input: expected).text
    )
    #expect(found == wanted)
    #expect((layer == expected) as Bool)
  }

  @Test func `a failed script is reported with the command, its line and its status`() async throws {
    defer { place.remove() }
    let script = "f() {\n  true\n  cp /nothing /x\n}\n\nf\necho never"
    let inside = try await build(["fakeRootCommands": .string(script)])
    #expect(inside.status == 1)
    #expect(
      inside.errors.contains("“fakeRootCommands”: “cp /nothing /x” in line 3 failed"), "\(inside.errors)")
    let outside = try await build(["extraCommands": "\n(exit 7)"])
    #expect(outside.errors.contains("“extraCommands”: “( exit 7 )” in line 2 failed"), "\(outside.errors)")
    #expect(outside.errors.contains("status 7"), "\(outside.errors)")
    #expect(!(inside.errors + outside.errors).contains("never"))
  }

  @Test(arguments: [SIGTERM, SIGINT], [true, false])
  func `a signal ends the script, what it has started, and leaves nothing`(signal: Int32, chroot: Bool)
    async throws
  {
    defer { place.remove() }
    let scratch = place.directory.appending("scratch")
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
    let spec = try spec([
      "enableFakechroot": .bool(chroot), "fakeRootCommands": "echo started >&2; sleep 1000; echo never",
    ])
    let program = try RunningProgram.cooper(
      ["build", "layered", spec, "-o", place.directory.appending("out.tar"), "--quiet"], home: place.home,
      environment: ["NIX_STORE_DIR": place.directory.appending("store"), "TMPDIR": scratch])
    defer { program.signal(SIGKILL) }
    while !program.errorText.contains("started") { try await Task.sleep(for: .milliseconds(20)) }
    program.signal(signal)
    let result = try await program.result()
    #expect(result.status == 128 + signal)
    #expect(result.errors == "started\n")
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch).isEmpty)
    #expect(!place.directory.contains("out.tar"))
    // Names of the scratch directory are in the arguments of all of them.
    let found = try await Program.run("pgrep", ["-f", "--", scratch])
    #expect(found.text.isEmpty)
  }

  @Test(arguments: [true, false])
  func `a script has the signals that a shell starts with`(chroot: Bool) async throws {
    defer { place.remove() }
    let result = try await build([
      "enableFakechroot": .bool(chroot),
      "fakeRootCommands":
        "while read -r name value; do case $name in SigBlk:|SigIgn:) echo $name $value;; esac; done </proc/self/status",
    ])
    #expect(result.errors.contains("SigBlk: 0000000000000000"), "\(result.errors)")
    // 0x1000 is SIGPIPE.
    let ignored = try #require(result.errors.split(separator: "\n").first { $0.hasPrefix("SigIgn: ") })
    #expect(try #require(UInt64(ignored.dropFirst(8), radix: 16)) & 0x1000 == 0, "\(result.errors)")
  }

  @Test func `a missing shell is named with Debian's package`() async throws {
    defer { place.remove() }
    let result = try await build(
      ["fakeRootCommands": "true"], environment: ["PATH": place.directory.appending("bin")])
    #expect(result.status == 2)
    #expect(result.errors.contains("no bash in PATH; install Debian's bash"), "\(result.errors)")
  }

  @Test func `commands may be longer than one argument of a program`() async throws {
    defer { place.remove() }
    let result = try await build([
      "enableFakechroot": false,
      "fakeRootCommands": .string(String(repeating: "# a comment\n", count: 20_000) + "echo end > end"),
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(try await listing(result.output).contains { $0.hasSuffix(" ./end") })
  }
}
