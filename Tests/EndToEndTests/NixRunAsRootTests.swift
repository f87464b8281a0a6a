import Foundation
import OrderedJSON
import TestSupport
import Testing

/// `runAsRoot` in Nix's sandbox, whose filter refuses most of what root does: the same image as everywhere else.
///
/// That a machine gives it, too, is for `MachineExecutorTests`, with fewer files: these would take it a minute.
@Suite(
  WithNixStore(), .serialized,
  .enabled(if: RootAccess.isExpected, "only root can be real root, and become another user"))
struct NixRunAsRootTests {
  /// A directory that everybody may use.
  private let scratch: TemporaryDirectory

  init() throws {
    scratch = try TemporaryDirectory()
    chmod(scratch.path, 0o1777)
  }

  private static let script = """
    groupadd -r -g 300 team
    useradd -r -u 300 -g team -G root app
    useradd -m -u 1000 -d /home/alice alice
    mkdir -p /data/deep; echo content > /data/file; chown alice:team /data; chown 3000000000:70000 /data/file
    chmod 4755 /data/file; chmod 2750 /data/deep; chown root:root /opt/same; : > /data/deep/inherits
    mkdir /data/deep/below; chmod g-s /data/deep/below; chown -R app /data/deep
    ln /data/file /data/further; ln -s ../opt/target /data/link; chown -h app: /data/link; mkfifo /data/pipe
    mknod /data/null c 1 3; mknod /data/disk b 7 300; chmod 660 /data/disk; chown 0:6 /data/disk
    setcap cap_net_raw+ep /data/further; setfattr -n user.note -v text /opt/same; setfattr -n trusted.t -v t /data/deep
    cp /data/file /data/program; chmod 6711 /data/program; setcap cap_chown,cap_kill=ep /data/program
    cp -a /data/program /data/same; chown app /data/program
    rm -r /opt/app/old; rm -r /opt/replaced; echo file > /opt/replaced
    rm -r /opt/emptied; mkdir /opt/emptied; echo new > /opt/emptied/new
    echo more >> /opt/app/file; rm /opt/gone
    rm /opt/link; mkdir /opt/link; echo in > /opt/link/inside; rm -r /opt/directory; ln -s target /opt/directory
    rmdir /var/empty; chmod 750 /home
    mv /opt/target /opt/moved; mv /opt/link /opt/away; mv /opt/kept /var/moved
    echo odd > '/data/a b'; echo odd > "/data/$(printf 'caf\\303\\251 \\n\\377')"
    echo none > /data/closed; chmod 0 /data/closed
    mkdir /many; (cd /many; touch {1..10000}; chown app:team 5*)
    stat -c '%n %u %g %a %F %t %T' /data/file /data/null /data/disk /data/deep/* > /listing; ls -ln /data | wc -l >> /listing

    """

  /// A layer with what the script removes and replaces.
  private static let base = """
    mkdir -p "$1" && cd "$1"
    mkdir -p etc opt/app/old opt/replaced opt/emptied opt/directory opt/kept/below var/empty home tmp
    echo old >opt/app/file; ln opt/app/file opt/app/same; echo old >opt/app/old/inner; echo old >opt/gone
    for directory in replaced emptied directory kept kept/below; do echo old >opt/$directory/file; done
    echo same >opt/same; echo target >opt/target; ln -s target opt/link; chmod 1777 tmp; chmod 2755 opt/kept
    cd ..; tar --owner=0 --group=0 --numeric-owner --mtime=@1000000000 -C base -cf layer.tar .
    printf '{"name": "empty", "tag": "1", "compressor": "none"}' >empty.json
    "$2" build image empty.json -o empty.tar -q
    "$2" append empty.tar layer.tar -o docker-archive:base.tar:base:1 -q
    """

  @Test func `Nix's sandbox gives the bytes that real root and an ordinary user give`()
    async throws
  {
    defer { scratch.remove() }
    let place = try NixPlace.suite
    try await makeBase(in: place)
    let archive = try await place.build(Self.image(in: place))
    let spec = try await makeSpec(in: place)
    let expected = try [UInt8](Data(contentsOf: URL(fileURLWithPath: archive)))
    let files = try await place.files(of: archive).joined()
    #expect(files.count > 10_000)
    for user in [0, 65534] {
      let result = try await build(spec, user: user, in: place)
      try #require(result.status == 0, "user \(user): \(result.errors)")
      if result.output == expected { continue }
      let other = try place.directory.write(result.output, to: "other.tar")
      let difference = try await place.files(of: other).joined().difference(from: files)
      Issue.record("user \(user): \(difference)")
    }
  }

  // MARK: Parts

  private func makeBase(in place: NixPlace) async throws {
    let directory = place.directory
    try await Program.check(
      "sh", ["-ec", Self.base, "sh", directory.appending("base"), Program.builtTool],
      environment: ["HOME": directory.path])
    try directory.write(Self.script, to: "script")
  }

  /// The script and where it finds its programs, as an expression.
  private static func text(in place: NixPlace) -> String {
    """
    (''
      export PATH=${builtins.concatStringsSep ":" (map (package: "${package}/bin") [ coreutils libcap attr busybox ])}
      ${dockerTools.shadowSetup}
    '' + builtins.readFile \(place.directory.path)/script)
    """
  }

  private static func image(in place: NixPlace) -> String {
    """
    dockerTools.buildImage {
      name = "same"; tag = "1"; compressor = "none"; fromImage = \(place.directory.path)/base.tar; runAsRoot = \(text(in: place));
    }
    """
  }

  /// The same as a spec; its programs are in the store afterwards.
  private func makeSpec(in place: NixPlace) async throws -> String {
    let script = try #require(try await place.evaluate(Self.text(in: place)).string)
    let closure = try await place.nix("nix-store", ["--dump-db"])
    let spec: JSONObject = [
      "name": "same", "tag": "1", "compressor": "none", "fromImage": "base.tar", "closure": "closure",
      "runAsRoot": .string(script),
    ]
    try place.directory.write(closure.output, to: "closure")
    return try place.directory.write(JSONValue.object(spec).serialized(), to: "spec.json")
  }

  /// Builds the spec, by a command.
  private func build(_ spec: String, user: Int, in place: NixPlace) async throws -> Program.Result {
    let identity = ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--"]
    let command = ["\(place.directory.path)/program", "build", "image", spec, "-o", "-", "-q"]
    return try await Program.run(
      "env", identity + command + ["--executor", "namespace", "--store-root", place.store],
      environment: ["TMPDIR": scratch.path, "HOME": scratch.path])
  }
}
