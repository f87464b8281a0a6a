import OrderedJSON
import TestSupport

/// Values for each key of a spec, right ones and wrong ones, as far as a schema can tell them apart.
enum SpecValuePool {
  struct Values {
    let right: [JSONValue]
    let wrong: [JSONValue]
  }

  private static let flags = Values(right: [true, false, .null], wrong: ["true", 1, 0, [], [:]])
  private static let objects = Values(right: [[:], ["x": [1, .null]], .null], wrong: ["x", [], 1, false])
  private static let scripts = Values(
    right: ["", "a\nb\n", "é🙂", "line\n", .null], wrong: ["a\u{0}b", ["a"], 1, true])
  private static let numbers = Values(
    right: [0, 1000, 4_294_967_294, .number("1000.0"), .null],
    wrong: [-1, 4_294_967_295, .number("0.5"), .number("1e300"), "0", true, []])
  private static let names = Values(right: ["root", "", "näme", .null], wrong: ["a\u{0}", 1, []])
  private static let tags = Values(
    right: ["1.0", "_", "A-b.c", .string(String(repeating: "t", count: 128)), .null],
    wrong: ["", "a:b", ".a", "-a", "a\n", "é", "a b", .string(String(repeating: "t", count: 129)), 1, []])
  private static let dates = Values(
    right: [
      "now", "1970-01-01T00:00:01Z", "2024-01-31", "20240131", "2024/1/31 10:11", "@5", "@-5.5",
      "2024-1-2T03:04:05,6+0230", "2024-01-31 10:11:12 UTC", "2024-01-31 10:11 -11:00", .null,
    ],
    wrong: [
      "", "yesterday", "now\n", "Now", "2024-01-31T10", "2024/1/31T10:11", "@", "@x", "1700000000",
      "2024-01-31T10:11:12+1", "2024-01-31T10:11:12 CET", 0, [],
    ])
  private static let texts = Values(
    right: [[:], ["a": "b", "": ""], .null], wrong: [["a": 1], ["a": .null], ["a": "\u{0}"], [], "a"])
  private static let compressors = Values(
    right: ["none", "gz", "zstd", .null], wrong: ["gzip", "", "GZ", "xz", 1, ["gz"]])
  private static let paths = Values(
    right: ["a", "/a/b", "docker://x", "a\n", .null], wrong: ["", "a\u{0}", 1, []])

  static let all: [(key: String, values: Values)] = [
    (
      "name",
      Values(
        right: [
          "a", "Team/Hello", "localhost:5000/a", "registry.example.com/a/b-c__d.e", "[::1]:5000/a", "a--b/c",
          "a1/2b",
        ],
        wrong: [
          "", "a:1", "a b", "-a", "a-", "a___b", "a//b", "/a", "a/", "a\n", "é", "hel\u{212A}o", "a@b", 1, [],
          .null,
        ])
    ),
    ("tag", tags), ("fromImage", paths), ("fromImageName", paths), ("fromImageTag", tags),
    (
      "contents",
      Values(
        right: [
          [], "a", "/nix/store/x", ["a", "helper:fakeNss"], "helper:binSh=/bin/bash", "helpers", "a\n",
          "helper:shadowSetup", .null,
        ],
        wrong: [
          "", [""], [1], [.null], "helper:", "helper:none", "helper:binSh=bash", "helper:fakeNss=/a",
          "helper:binSh=",
          ["a\u{0}"], [:], 1,
        ])
    ),
    ("config", objects), ("architecture", Values(right: ["amd64", .null], wrong: ["", 1])),
    ("created", dates), ("mtime", dates), ("uid", numbers), ("gid", numbers), ("uname", names),
    ("gname", names),
    (
      "maxLayers",
      Values(
        right: [2, 100, 1_000_000, .number("5.0"), .null],
        wrong: [1, 0, -5, 1_000_001, .number("2.5"), "100", true, []])
    ),
    ("extraCommands", scripts), ("fakeRootCommands", scripts), ("enableFakechroot", flags),
    ("includeStorePaths", flags), ("includeNixDB", flags), ("passthru", objects), ("compressor", compressors),
    ("closure", paths),
    (
      "layering",
      Values(
        right: ["popularity", "auto", [], [["/a"], ["/b", "/c"]], .null],
        wrong: ["", "Auto", [[]], ["/a"], [["a"]], [["/"]], [[1]], 1, [:]])
    ),
    (
      "format",
      Values(right: ["docker-archive", "oci", "oci-archive", .null], wrong: ["docker", "", "OCI", 1])
    ),
    ("layerCompression", compressors),
    ("inherit", Values(right: ["env", "all", .null], wrong: ["none", true])),
    ("permissions", permissions),
    (
      "executor", Values(right: ["auto", "kvm", "tcg", "namespace", .null], wrong: ["vm", "", false])
    ),
    ("variant", Values(right: ["v8", .null], wrong: ["", 8])), ("annotations", texts), ("labels", texts),
  ]

  private static let permissions = Values(
    right: [
      [], .null, [["path": "a"]], [["path": "/etc/**", "mode": "0755", "uid": 1, "gid": .null]],
      [["path": "a", "mode": 493], ["path": "b", "mode": "755", "uname": "u", "gname": ""]],
      [["path": "a", "xattrs": ["user.a": "", "user.b": "0x0aF0", "user.c": "0s", "user.d": "0sAQI="]]],
      [["path": "a", "mode": 0], ["path": "a", "mode": 4095, "xattrs": .null]],
    ],
    wrong: [
      [[:]], [["mode": 493]], [["path": ""]], [["path": "a", "mode": 755]], [["path": "a", "mode": 4096]],
      [["path": "a", "mode": "0o755"]], [["path": "a", "mode": "8"]], [["path": "a", "mode": "07555"]],
      [["path": "a", "owner": 1]], [["path": "a", "uid": "0"]], [["path": .null]], [1], "a",
      [["path": "a", "xattrs": ["user.a": "0xf"]]], [["path": "a", "xattrs": ["user.a": "0sAQI"]]],
      [["path": "a", "xattrs": ["user.a": "0x0g"]]], [["path": "a", "xattrs": []]],
    ])

  /// A spec of a few keys, of which one in about ten has a wrong value; sometimes with a key that is none.
  static func spec(_ generator: inout SeededGenerator) -> JSONValue {
    var members: JSONObject = [:]
    for (key, values) in all where key == "name" || generator.once(in: 4) {
      members[key] = generator.pick(generator.once(in: 10) ? values.wrong : values.right)
    }
    if generator.once(in: 15) { members[generator.pick(["nme", "maxlayers", "", "copyToRoot"])] = 1 }
    if generator.once(in: 30) { members["name"] = nil }
    return .object(members)
  }
}
