import ArchiveIO
@testable import ImageBuild
import OCIModel
import OrderedJSON
import SystemPackage
import Testing

/// The build spec of layered images (design.md, section 4).
@Suite struct LayeredSpecTests {
  static let now = DateText(seconds: 1_714_558_272, microseconds: 12)

  static func parse(_ text: String) throws -> LayeredSpec {
    try LayeredSpec(parsing: Array(text.utf8), directory: "/specs", now: now, architecture: "arm64")
  }

  /// The lines of what is wrong.
  static func problems(_ text: String) -> [String] {
    do {
      _ = try parse(text)
      return []
    } catch {
      return "\(error)".split(separator: "\n").map(String.init)
    }
  }

  static let allKeys = [
    "tag", "fromImage", "fromImageName", "fromImageTag", "contents", "config", "architecture", "created",
    "mtime",
    "uid", "gid", "uname", "gname", "maxLayers", "extraCommands", "fakeRootCommands", "enableFakechroot",
    "includeStorePaths", "includeNixDB", "passthru", "compressor", "closure", "layering", "format",
    "layerCompression", "inherit", "permissions", "executor", "variant", "annotations", "labels",
  ]

  @Test func `a name is enough, and null is the default everywhere`() throws {
    let spec = try Self.parse(#"{"name": "Team/Hello"}"#)
    #expect(spec.name == "Team/Hello" && spec.imageName == "team/hello")
    #expect(spec.tag == nil && spec.base == nil && spec.baseName == nil && spec.baseTag == nil)
    #expect(spec.contents.isEmpty && spec.config.isEmpty && spec.passthru.isEmpty)
    #expect(spec.architecture == "arm64" && spec.variant == nil)
    #expect(spec.created.text == "1970-01-01T00:00:01+00:00" && spec.modified == spec.created)
    #expect(spec.owner == TarOwner(uid: 0, gid: 0, userName: "root", groupName: "root"))
    #expect(spec.maxLayers == 100)
    #expect(spec.extraCommands.isEmpty && spec.fakeRootCommands.isEmpty && !spec.enableFakechroot)
    #expect(spec.includeStorePaths && !spec.includeNixDB)
    #expect(spec.compressor == .gzip && spec.layerCompression == nil && spec.format == .dockerArchive)
    #expect(spec.closure == nil && spec.layering == .popularity)
    #expect(spec.inheritance == .environment && spec.executor == .auto && spec.permissions.isEmpty)
    #expect(spec.annotations.isEmpty && spec.labels.isEmpty && spec.warnings.isEmpty)
    let nulls = Self.allKeys.map { ", \"\($0)\": null" }.joined()
    #expect(try Self.parse(#"{"name": "Team/Hello""# + nulls + "}") == spec)
  }

  @Test func `every key arrives`() throws {
    let spec = try Self.parse(
      #"""
      {"name": "a", "tag": "1.0", "fromImage": "base.tar", "fromImageName": "b", "fromImageTag": "2",
       "contents": ["/nix/store/x", "root", "./sub/", "helper:fakeNss", "helper:binSh=/bin/bash"],
       "config": {"Cmd": ["/bin/a"], "Labels": {"z": "1"}}, "architecture": "amd64", "variant": "v3",
       "created": "now", "mtime": "@5", "uid": 1e3, "gid": 100, "uname": "u", "gname": "g", "maxLayers": 50,
       "extraCommands": "e", "fakeRootCommands": "f", "enableFakechroot": true, "includeStorePaths": false,
       "includeNixDB": true, "passthru": {"x": null}, "compressor": "none", "closure": "graph.json",
       "layering": [["/nix/store/x"], ["/nix/store/y", "/nix/store/z"]], "format": "oci",
       "layerCompression": "zstd", "inherit": "all", "executor": "kvm", "annotations": {"k": "v"},
       "labels": {"a": "b"},
       "permissions": [{"path": "/etc/*", "mode": "0640", "uid": 1, "gid": 2, "uname": "n", "gname": "m",
                        "xattrs": {"user.a": "t", "user.b": "0x00fF", "user.c": "0sAQI="}},
                       {"path": "b", "mode": 493}]}
      """#)
    #expect(spec.tag == "1.0" && spec.baseName == "b" && spec.baseTag == "2")
    #expect(spec.base?.resolved { _ in false } == "/specs/base.tar")
    #expect(
      spec.contents == [
        .path("/nix/store/x"), .path("/specs/root"), .path("/specs/./sub"), .helper(.fakeNss, nil),
        .helper(.binSh, "/bin/bash"),
      ])
    #expect(spec.architecture == "amd64" && spec.variant == "v3")
    #expect(spec.created == Self.now && spec.modified.seconds == 5)
    #expect(spec.owner == TarOwner(uid: 1000, gid: 100, userName: "u", groupName: "g"))
    #expect(spec.maxLayers == 50 && spec.extraCommands == "e" && spec.fakeRootCommands == "f")
    #expect(spec.enableFakechroot && !spec.includeStorePaths && spec.includeNixDB)
    #expect(spec.passthru == ["x": .null] && spec.compressor == .none && spec.closure == "/specs/graph.json")
    #expect(spec.layering == .explicit([["/nix/store/x"], ["/nix/store/y", "/nix/store/z"]]))
    #expect(spec.format == .oci && spec.layerCompression == .zstd)
    #expect(spec.inheritance == .all && spec.executor == .kvm)
    #expect(spec.annotations["k"] == "v" && spec.labels["a"] == "b")
    #expect(spec.runtimeConfig == ["Cmd": ["/bin/a"], "Labels": ["a": "b", "z": "1"]])
    let rule = try #require(spec.permissions.first)
    #expect(rule.path == "etc/*" && rule.mode == 0o640 && rule.uid == 1 && rule.gid == 2)
    #expect(rule.userName == "n" && rule.groupName == "m")
    #expect(rule.attributes.map(\.name) == ["user.a", "user.b", "user.c"])
    #expect(rule.attributes.map(\.value) == [[0x74], [0x00, 0xff], [1, 2]])
    #expect(spec.permissions.last?.mode == 0o755)
  }

  @Test(arguments: [
    ("{", "not valid JSON at byte"), ("[]", "the spec should be an object, and is a list"),
    ("{}", "“name” is missing"), (#"{"name": "a", "name": "b"}"#, "two members of one name"),
    (#"{"name": null}"#, "“name” should be the name of a repository"),
    (#"{"name": "a:1"}"#, "without tag; that has the key “tag”, and is \"a:1\""),
    (#"{"name": "a b"}"#, "and is \"a b\""), (#"{"name": "-a"}"#, "“name” should be"),
    ("{\"name\": \"hel\u{212A}o\"}", "“name” should be"),
    (#"{"name": "a", "tag": "a:b"}"#, "“tag” should be a tag"),
    (#"{"name": "a", "tag": ""}"#, "“tag” should be a tag"),
    (#"{"name": "a", "tag": 1}"#, "digits, _, . and -, not beginning with . or -, and is 1"),
    (#"{"name": "a", "maxlayer": 3}"#, "there is no key “maxlayer”; did you mean “maxLayers”?"),
    (#"{"name": "a", "qqqq": 3}"#, "there is no key “qqqq”"),
    (#"{"name": "a", "copyToRoot": "x"}"#, "here it is called “contents”"),
    (#"{"name": "a", "maxLayers": 1}"#, "“maxLayers” should be a whole number from 2 to 1000000, and is 1"),
    (#"{"name": "a", "maxLayers": "9"}"#, "and is \"9\""),
    (#"{"name": "a", "maxLayers": 2.5}"#, "and is 2.5"),
    (#"{"name": "a", "uid": -1}"#, "“uid” should be"), (#"{"name": "a", "uid": true}"#, "and is true"),
    (#"{"name": "a", "created": "yesterday"}"#, "“created” should be “now”, or a date like 2024-01-31"),
    (#"{"name": "a", "mtime": "2024-02-30"}"#, "“mtime” should be"),
    (#"{"name": "a", "contents": [1]}"#, "“contents[0]” should be a path"),
    (#"{"name": "a", "contents": {}}"#, "“contents” should be"),
    (#"{"name": "a", "contents": "helper:fakeNs"}"#, "did you mean “helper:fakeNss”?"),
    (#"{"name": "a", "contents": "helper:fakeNss=/x"}"#, "helper:fakeNss without a path"),
    (#"{"name": "a", "contents": "helper:binSh=bash"}"#, "helper:binSh=/PATH with the path of bash"),
    (#"{"name": "a", "config": []}"#, "“config” should be an object, and is an empty list"),
    (#"{"name": "a", "compressor": "xz"}"#, "“compressor” should be one of none, gz and zstd, and is \"xz\""),
    (#"{"name": "a", "compressor": "gzip"}"#, "did you mean “gz”?"),
    (#"{"name": "a", "format": "docker"}"#, "one of docker-archive, oci and oci-archive"),
    (#"{"name": "a", "layering": "populrity"}"#, "did you mean “popularity”?"),
    (#"{"name": "a", "layering": [["x"]]}"#, "“layering[0][0]” should be the absolute path"),
    (#"{"name": "a", "layering": [[]]}"#, "“layering[0]” should be a list with at least 1 element"),
    (#"{"name": "a", "enableFakechroot": "yes"}"#, "“enableFakechroot” should be true or false"),
    (#"{"name": "a", "extraCommands": "a\u0000"}"#, "a string without NUL"),
    (#"{"name": "a", "permissions": [{"mode": "755"}]}"#, "“permissions[0].path” is missing"),
    (#"{"name": "a", "permissions": [{"path": "a", "mode": 755}]}"#, "“permissions[0].mode” should be"),
    (#"{"name": "a", "permissions": [{"path": "a", "mode": "789"}]}"#, "octal digits"),
    (#"{"name": "a", "permissions": [{"path": "a", "owner": 1}]}"#, "there is no key “permissions[0].owner”"),
    (#"{"name": "a", "permissions": [{"path": "a", "xattrs": {"user.x": "0xf"}}]}"#, "hexadecimal"),
    (#"{"name": "a", "labels": {"x": 1}}"#, "“labels.x” should be a string"),
    (#"{"name": "a", "fromImageTag": "1"}"#, "“fromImageTag”: it chooses an image of “fromImage”"),
    (#"{"name": "a", "format": "oci", "compressor": "gz"}"#, "“compressor”: “gz” compresses an archive"),
    (#"{"name": "a", "maxLayers": 2, "layering": [["/a"], ["/b"]]}"#, "more than “maxLayers”, which is 2"),
    (#"{"name": "a", "layering": [["/a"], ["/a"]]}"#, "“layering”: /a is there twice"),
    (
      #"{"name": "a", "labels": {"x": "1"}, "config": {"Labels": {"x": "2"}}}"#,
      "“labels”: “x” has another value"
    ),
    ("{\"name\": \"a\", \"k\\n\": 1}", #"there is no key “k\n”"#),
  ])
  func `what is wrong is named in one line`(spec: String, message: String) {
    let problems = Self.problems(spec)
    #expect(problems.count == 1, "\(problems)")
    #expect(problems.first?.contains(message) == true, "\(problems)")
  }

  @Test func `everything wrong is told at once, in the order of the document`() {
    let problems = Self.problems(
      #"{"tag": ":", "uid": "x", "fromImageName": "b", "permissions": [{"mode": 1.5}, 7], "nme": "a"}"#)
    let keys = [
      "“tag”", "“uid”", "“permissions[0].mode”", "“permissions[0].path”", "“permissions[1]”", "“nme”",
    ]
    #expect(problems.count == keys.count + 2)
    for (problem, key) in zip(problems, keys + ["“name” is missing", "“fromImageName”"]) {
      #expect(problem.contains(key))
    }
  }

  @Test(arguments: [
    (#""config": {"cmd": ["a"]}"#, "there is no key “config.cmd”; did you mean “Cmd”?"),
    (#""config": {"Cmd": "a b"}"#, "“config.Cmd” should be a list"),
    (#""config": {"Env": ["PATH"]}"#, "“config.Env[0]” should be a variable, NAME=VALUE"),
    (#""config": {"ExposedPorts": ["80/tcp"]}"#, "“config.ExposedPorts”"),
    (#""config": {"Healthcheck": {"Tests": []}}"#, "did you mean “Test”?"),
    (#""architecture": "x86_64""#, "“amd64”"),
  ])
  func `what no runtime will read is a warning`(members: String, warning: String) throws {
    let spec = try Self.parse("{\"name\": \"a\", \(members)}")
    #expect(spec.warnings.count == 1 && spec.warnings[0].contains(warning), "\(spec.warnings)")
  }

  @Test func `a configuration of known members warns of nothing`() throws {
    let spec = try Self.parse(
      #"""
      {"name": "a", "config": {"Cmd": ["a"], "Entrypoint": null, "Env": ["A=", "B=C=D"], "ExposedPorts": {"80/tcp": {}},
       "Healthcheck": {"Test": ["CMD", "x"], "Interval": 30000000000}, "Volumes": {"/v": {}}, "StopSignal": "SIGTERM",
       "StopTimeout": 10, "Shell": ["/bin/sh"], "OnBuild": [], "ArgsEscaped": true, "Hostname": "h", "User": "0:0"}}
      """#)
    #expect(spec.warnings.isEmpty, "\(spec.warnings)")
  }

  @Test func `the configuration is written with sorted members on every level`() throws {
    let spec = try Self.parse(
      #"{"name": "a", "config": {"b": [{"z": 1, "A": 2}], "Labels": {"k": "v"}}, "labels": {"c": "d"}}"#)
    let text = String(decoding: JSONValue.object(spec.runtimeConfig).serialized(), as: UTF8.self)
    #expect(text == #"{"Labels":{"c":"d","k":"v"},"b":[{"A":2,"z":1}]}"#)
  }

  @Test(arguments: [
    ("docker://nix:2", false, "docker://nix:2"), ("nix", false, "nix"), ("nix", true, "/specs/nix"),
    ("./nix", false, "/specs/./nix"), ("base.tar", false, "/specs/base.tar"), ("/a/b", false, "/a/b"),
    ("oci:layout:tag", false, "oci:/specs/layout:tag"), ("oci:/l", false, "oci:/l"),
    ("docker-archive:a.tar:n:t", false, "docker-archive:/specs/a.tar:n:t"),
    ("oci-archive:a.tar", false, "oci-archive:/specs/a.tar"), ("No Name", false, "/specs/No Name"),
  ])
  func `the paths of a base image begin at the spec`(text: String, exists: Bool, resolved: String) {
    let location = BaseLocation(text: text, directory: "/specs")
    #expect(location.resolved { _ in exists } == resolved)
  }

  @Test(arguments: [("docker-archive", Compression.gzip), ("oci", .none), ("oci-archive", .none)])
  func `only a docker-archive is compressed unasked`(format: String, compressor: Compression) throws {
    #expect(try Self.parse("{\"name\": \"a\", \"format\": \"\(format)\"}").compressor == compressor)
  }
}
