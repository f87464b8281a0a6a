import Foundation
import OrderedJSON
import TestSupport
import Testing

/// `runAsRoot` of `cooper build image`: what scripts do to an image is what they do to a container in Docker.
@Suite(.serialized, WithDockerDaemon()) struct RunAsRootTests {
  let place: Workplace

  init() throws {
    place = try Workplace()
  }

  /// An image with the programs of busybox and a few files to change, also loaded into Docker.
  ///
  /// - Parameter programs: Whether it has any; those that need no libraries cannot be deceived about who they run as.
  private func makeBase(programs: Bool = true) async throws -> String {
    let root = place.directory.appending("base")
    let flat = place.directory.appending("busybox.tar")
    let exported = try await place.cooper(["export", Self.testdata, "--arch", "amd64", "-o", flat])
    try #require(exported.status == 0, "\(exported.errors)")
    try await Program.check(
      "sh",
      [
        "-c",
        """
        set -e
        mkdir -p "$1/usr/bin" "$1/etc" "$1/opt/app/old" "$1/opt/replaced" "$1/var/empty" "$1/home" "$1/tmp" "$1/root"
        tar -xOf "$2" ./bin/busybox >"$1/usr/bin/busybox"
        chmod 755 "$1/usr/bin/busybox"
        "$3" || : >"$1/usr/bin/busybox"
        for name in $("$1/usr/bin/busybox" --list 2>/dev/null); do
          [ "$name" = busybox ] || ln -s busybox "$1/usr/bin/$name"
        done
        ln -s usr/bin "$1/bin"
        printf 'root:x:0:0:root:/root:/bin/sh\\n' >"$1/etc/passwd"
        printf 'root:x:0:\\n' >"$1/etc/group"
        echo old >"$1/opt/app/file"; echo old >"$1/opt/app/old/inner"; echo old >"$1/opt/replaced/file"
        ln "$1/opt/app/file" "$1/opt/app/same"
        echo target >"$1/opt/target"; ln -s target "$1/opt/link"
        chmod 1777 "$1/tmp"; chmod 700 "$1/root"
        """, "sh", root, flat, "\(programs)",
      ])
    let archive = place.directory.appending("base.tar")
    try await build(
      [
        "name": "localhost/cooper/base", "tag": "1", "copyToRoot": .string(root),
        "keepContentsDirlinks": true,
        "config": ["Env": ["PATH=/usr/bin", "BASE=1"]],
      ], to: archive)
    if programs { try await Engines.docker.docker(["load", "--input", archive]) }
    return archive
  }

  @discardableResult
  private func build(_ members: JSONObject, to archive: String) async throws -> Program.Result {
    let result = try await tryToBuild(members, to: archive)
    try #require(result.status == 0, "\(result.errors)")
    return result
  }

  func tryToBuild(_ members: JSONObject, to archive: String) async throws -> Program.Result {
    var spec: JSONObject = ["compressor": "none"]
    spec.append(contentsOf: members)
    let path = try place.directory.write(
      String(decoding: JSONValue.object(spec).serialized(), as: UTF8.self), to: "spec.json")
    return try await place.cooper(["build", "image", path, "-o", archive, "--quiet"])
  }

  /// What is in a tar, a line for each file.
  private func listing(_ tar: [UInt8]) async throws -> [Substring] {
    try await Program.check("python3", [Self.lister], input: tar).text.split(separator: "\n")
  }

  private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  private static let lister = root + "/testdata/list-tar.py"
  /// Has a busybox that needs no libraries.
  private static let testdata = "oci:" + root + "/testdata/image:1.35"

  /// The files of an image as Docker has them.
  private func files(of image: String) async throws -> [Substring] {
    let container = try await Engines.docker.docker(["create", image, "/none"]).text
    let tar = try await Engines.docker.docker(["export", container])
    try await Engines.docker.docker(["rm", container])
    return try await listing(tar.output)
  }

  static let script = """
    echo alice:x:1000:1000::/:/bin/sh >> /etc/passwd; echo alice:x:1000: >> /etc/group
    mkdir -p /data/deep; echo content > /data/file; chown alice: /data; chown 123456:70000 /data/file
    chmod 4755 /data/file; chmod 2750 /data/deep
    ln /data/file /data/further; ln -s ../opt/target /data/link; mkfifo /data/pipe
    rm -r /opt/app/old; rm /opt/app/same; rm -r /opt/replaced; echo file > /opt/replaced
    echo more >> /opt/app/file
    rm /opt/link; mkdir /opt/link; echo in > /opt/link/inside
    rmdir /var/empty; chmod 750 /home; chown 1000 /root
    mv /opt/target /opt/moved
    echo odd > '/data/a b'; printf odd > "/data/$(printf 'caf\\303\\251')"
    for i in 1 2 3 4 5 6 7 8 9; do mkdir /data/$i; for j in 1 2 3 4 5 6 7 8 9; do echo $i$j > /data/$i/$j; done; done
    """

  /// What Docker's containers may not do, or busybox cannot.
  private static let furtherScript = """
    mknod /data/null c 1 3; mknod -m 640 /data/disk b 259 70000; chown 5:6 /data/disk
    setcap cap_net_raw,cap_chown+ep /data/1/1; setfattr -n user.note -v text /data/1; setfattr -n trusted.t -v x /data/2
    setfacl -m u:1000:rwx,g:70000:r /data/1/3; setfacl -d -m u:7:rwx /data/4; mkdir /data/4/sub; echo x > /data/4/new
    setcap cap_chown+ep /data/1/2; echo more >> /data/1/2; echo lost > /data/null
    setfattr -n security.other -v y /data/2/2; chown 0:0 /etc/passwd; chmod 755 /usr; chmod 700 /data/3; chmod 0 /data/3/3
    mkdir /data/group; chown :50 /data/group; chmod 2775 /data/group; mkdir /data/group/sub; echo x > /data/group/file
    cp -a /data /copy; chown 4000000000:3000000000 /copy/4; chmod 6755 /copy/4/4; mv /copy/5 /data/moved; rm -r /copy/6
    ls -ln /data /copy/1 | while read -r mode links user group rest; do echo "$mode $user $group"; done > /listing
    """

  @Test func `a script does to an image what it does to a container`() async throws {
    defer { place.remove() }
    let base = try await makeBase()
    let archive = place.directory.appending("built.tar")
    try await build(
      [
        "name": "localhost/cooper/built", "tag": "1", "fromImage": .string(base),
        "runAsRoot": .string(Self.script),
      ], to: archive)
    try await Engines.docker.docker(["load", "--input", archive])
    // The real thing: Docker's own container, as real root.
    let container = try await Engines.docker.docker([
      "create", "--network", "none", "localhost/cooper/base:1", "sh", "-e", "-c", Self.script,
    ]).text
    try await Engines.docker.docker(["start", "--attach", container])
    let expected = try await listing(try await Engines.docker.docker(["export", container]).output)
    try await Engines.docker.docker(["rm", container])
    let found = try await files(of: "localhost/cooper/built:1")
    #expect(expected.count > 300)
    #expect(Set(found).symmetricDifference(expected).sorted() == [])
    // So does what cooper itself says is in the image.
    let exported = try await place.cooper(["export", archive, "-o", "-"])
    #expect(exported.status == 0, "\(exported.errors)")
    let listed = try await listing(exported.output)
    #expect(Set(listed).symmetricDifference(found).sorted() == [])
  }

  /// What `runAsRoot` and `extraCommands` of the manual's examples do.
  @Test func `the manual's examples run`() async throws {
    defer { place.remove() }
    let base = try await makeBase()
    let archive = place.directory.appending("built.tar")
    try await build(
      [
        "name": "localhost/cooper/example", "tag": "latest", "fromImage": .string(base),
        "runAsRoot": "mkdir -p /data\necho \"some content\" > my-file\n",
        "extraCommands": "echo more > extra-file",
        "config": ["Cmd": ["cat", "/my-file", "/extra-file"], "WorkingDir": "/data"],
      ], to: archive)
    try await Engines.docker.docker(["load", "--input", archive])
    let run = try await Engines.docker.docker([
      "run", "--rm", "--network", "none", "localhost/cooper/example:latest",
    ])
    #expect(run.text == "some content\nmore")
  }

  @Test func `without a base there are common programs, and contents belong to whom the spec says`()
    async throws
  {
    defer { place.remove() }
    let tree = place.directory.appending("tree")
    try await Program.check("sh", ["-c", "mkdir -p \"$1/etc\"; echo hi >\"$1/etc/motd\"", "sh", tree])
    let archive = place.directory.appending("built.tar")
    try await build(
      [
        "name": "scratch", "tag": "1", "copyToRoot": .string(tree), "uid": 1000, "gid": 100,
        "runAsRoot":
          "[ \"$PWD\" = / ]; stat -c %u:%g /etc/motd > /owner; rm /etc/motd; id -u >> /owner; echo ' (\"quoted\")' >> /owner",
      ], to: archive)
    let exported = try await place.cooper(["export", archive])
    let files = try await listing(exported.output)
    let names = files.map { String($0.prefix { $0 != " " }) }
    #expect(names == ["'etc'", "'owner'", "'tmp'"])
    #expect(files.first?.contains("1000:100") ?? false, "\(files)")
    let text = try await Program.check("tar", ["-xOf", "-", "./owner"], input: exported.output).text
    #expect(text == "1000:100\n0\n (\"quoted\")")
  }

  @Test(.enabled(if: RootAccess.isExpected, "only root can become another user"), arguments: [true, false])
  func `root and an ordinary user get the same bytes`(programs: Bool) async throws {
    defer { place.remove() }
    for name in ["setcap", "setfattr"] { try Program.require(name, package: "libcap2-bin or attr") }
    // With busybox's own programs, which need no libraries, and with this machine's.
    let base = try await makeBase(programs: programs)
    let spec = try place.directory.write(
      String(
        decoding: JSONValue.object([
          "name": "same", "fromImage": .string(base), "runAsRoot": .string(Self.script),
          "remove": ["opt/app"], "compressor": "none",
        ]).serialized(), as: UTF8.self), to: "spec.json")
    let tool = place.directory.appending("cooper")
    try await Program.check("cp", [Program.builtTool, tool])
    let scratch = place.directory.appending("scratch")
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
    chmod(place.directory.path, 0o755)
    chmod(scratch, 0o1777)
    // What is removed is not there for the script.
    let kept = Self.script.split(separator: "\n").filter { !$0.contains("/opt/app") }
    let script = (kept + [Self.furtherScript[...]]).joined(separator: "\n")
    try Data(
      try String(contentsOfFile: spec, encoding: .utf8).replacingOccurrences(
        of: String(decoding: JSONValue.string(Self.script).serialized(), as: UTF8.self),
        with: String(decoding: JSONValue.string(script).serialized(), as: UTF8.self)
      ).utf8
    ).write(to: URL(fileURLWithPath: spec))
    var outputs: [[UInt8]] = []
    for user in [nil, "65534"] as [String?] {
      let identity = user.map { ["setpriv", "--reuid", $0, "--regid", $0, "--clear-groups"] } ?? []
      let result = try await Program.check(
        "bash",
        ["-c", "umask \(user == nil ? "022" : "077"); exec \"$@\"", "bash"] + identity + [
          tool, "build", "image", spec, "-o", "-", "-q",
        ],
        environment: [
          "TMPDIR": scratch, "HOME": scratch, "TZ": user == nil ? "UTC" : "Asia/Kolkata",
          "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ])
      outputs.append(result.output)
    }
    #expect(outputs[0].count > 1000)
    let equal = outputs[0] == outputs[1]
    #expect(equal)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch) == [".cache"])
    let archive = place.directory.appending("same.tar")
    try Data(outputs[1]).write(to: URL(fileURLWithPath: archive))
    let exported = try await place.cooper(["export", archive])
    let facts = """
      import sys, tarfile
      for member in tarfile.open(fileobj=sys.stdin.buffer, mode="r|"):
          xattrs = sorted(key[13:] for key in member.pax_headers if key.startswith("SCHILY.xattr."))
          if xattrs or member.isdev(): print(member.name.lstrip("./"), member.type.decode(), member.uid, member.devminor, *xattrs)
      """
    let found = try await Program.check("python3", ["-c", facts], input: exported.output).text
    #expect(
      Set(found.split(separator: "\n").filter { !$0.hasPrefix("copy/") }) == [
        "data/null 3 0 3", "data/disk 4 5 70000", "data/pipe 6 0 0", "data/1/1 0 0 0 security.capability",
        "data/1/3 0 0 0 system.posix_acl_access", "data/4 5 0 0 system.posix_acl_default",
        "data/4/sub 5 0 0 system.posix_acl_access system.posix_acl_default",
        "data/4/new 0 0 0 system.posix_acl_access", "data/1 5 0 0 user.note", "data/2 5 0 0 trusted.t",
        "data/2/2 0 0 0 security.other",
      ], "\(found)")
    if !equal {
      for (index, output) in outputs.enumerated() {
        let name = place.directory.appending("\(index).tar")
        try Data(output).write(to: URL(fileURLWithPath: name))
      }
      let (first, second) = try await (
        listing(place.cooper(["export", place.directory.appending("0.tar")]).output),
        listing(place.cooper(["export", place.directory.appending("1.tar")]).output)
      )
      #expect(second.difference(from: first).isEmpty, "\(second.difference(from: first))")
    }
  }

  @Test(.enabled(if: RootAccess.isExpected, "only root can give files capabilities"))
  func `capabilities of files are given by permissions, exported, and survive a script`() async throws {
    defer { place.remove() }
    let tree = place.directory.appending("tree")
    try await Program.check("sh", ["-c", "mkdir \"$1\"; echo tool >\"$1/tool\"", "sh", tree])
    // cap_net_raw=ep, as capabilities(7) has it in version 2.
    let capability = "0100000200200000000000000000000000000000"
    let base = place.directory.appending("base.tar")
    try await build(
      [
        "name": "base", "tag": "1", "copyToRoot": .string(tree),
        "permissions": [
          ["path": "/tool", "mode": "0755", "xattrs": ["security.capability": .string("0x" + capability)]]
        ],
      ], to: base)
    let built = place.directory.appending("built.tar")
    try await build(
      ["name": "built", "tag": "1", "fromImage": .string(base), "runAsRoot": "chmod 700 /tool"], to: built)
    let facts = """
      import sys, tarfile
      for member in tarfile.open(fileobj=sys.stdin.buffer, mode="r|"):
          if member.name.endswith("tool"):
              value = member.pax_headers["SCHILY.xattr.security.capability"]
              print(f"{member.mode:o}", value.encode("utf-8", "surrogateescape").hex())
      """
    for (archive, mode) in [(base, "755"), (built, "700")] {
      let exported = try await place.cooper(["export", archive])
      let found = try await Program.check("python3", ["-c", facts], input: exported.output)
      #expect(found.text == "\(mode) \(capability)")
    }
  }

  @Test func `extraCommands beside it are inside of the image, wherever links of the base lead`() async throws
  {
    defer { place.remove() }
    let (tree, outside) = (place.directory.appending("tree"), place.directory.appending("outside"))
    try await Program.check(
      "sh", ["-c", "mkdir -p \"$1/var\" \"$2\"; ln -s \"$2\" \"$1/var/run\"", "sh", tree, outside])
    let base = place.directory.appending("base.tar")
    try await build(["name": "base", "tag": "1", "copyToRoot": .string(tree)], to: base)
    let built = place.directory.appending("built.tar")
    try await build(
      [
        "name": "built", "tag": "1", "fromImage": .string(base),
        "runAsRoot": .string("mkdir -p '\(outside)'"),
        "extraCommands": "echo own > var/run/file; [ \"$PWD\" = / ]",
      ], to: built)
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside).isEmpty)
    let exported = try await place.cooper(["export", built])
    let name = ".\(outside)/file"
    let text = try await Program.check("tar", ["-xOf", "-", name], input: exported.output).text
    #expect(text == "own")
  }

  @Test func `a script that fails leaves nothing, and is named with its line`() async throws {
    defer { place.remove() }
    let archive = place.directory.appending("built.tar")
    let result = try await tryToBuild(
      ["name": "fails", "runAsRoot": "true\nfalse\necho never"], to: archive)
    #expect(result.status == 1)
    #expect(result.errors.contains("“runAsRoot”: “false” in line 2 failed"), "\(result.errors)")
    #expect(!place.directory.contains("built.tar"))
  }
}
