import ImageBuild
import OrderedJSON
import SystemPackage
import TestSupport
import Testing

/// The spec of an image with a build environment.
@Suite struct ShellSpecTests {
  private static func parse(_ object: JSONObject) throws(SpecError) -> ShellSpec {
    try ShellSpec(parsing: JSONValue.object(object).serialized(), directory: "/specs")
  }

  @Test func `what is not said is as in the manual`() throws {
    let spec = try Self.parse(["drv": "x.drv"])
    #expect(spec.derivation == "/specs/x.drv" && spec.name == nil && spec.shell == nil)
    #expect(spec.uid == 1000 && spec.gid == 1000 && spec.homeDirectory == "/build")
    #expect(spec.commands == .none && spec.coreutils == nil && spec.cacert == nil)
    #expect(try Self.parse(["drv": "x.drv", "run": "a"]).commands == .run("a"))
    #expect(try Self.parse(["drv": "x.drv", "command": "a"]).commands == .typed("a"))
  }

  @Test func `command and run are for two shells`() throws {
    let error = try #require(throws: SpecError.self) {
      try Self.parse(["drv": "x", "command": "a", "run": "b"])
    }
    #expect(error.description.hasPrefix("“command”: "))
  }

  @Test(arguments: [
    ("maxLayers", "there is no key “maxLayers”"), ("contents", "nativeBuildInputs"),
    ("commands", "did you mean “command”?"), ("fromImage", "nothing else"),
  ])
  func `other keys are refused with advice`(key: String, message: String) throws {
    let error = try #require(throws: SpecError.self) { try Self.parse(["drv": "x", key: "y"]) }
    #expect(error.description.contains(message), "\(error)")
  }

  /// Right and wrong values of each key.
  private static let pool: [String: (right: [JSONValue], wrong: [JSONValue])] = [
    "drv": (["a.drv", "/nix/store/x.drv"], ["", "a\u{0}", 1, []]),
    "name": (["a", "Team/App", .null], ["", "a:1", 1]),
    "tag": (["1.0", .null], ["", ":", 1]),
    "uid": ([0, 1000, 4_294_967_294, .null], [-1, 4_294_967_295, "0", .number("0.5")]),
    "gid": ([0, .null], [-1, true]),
    "homeDirectory": (["/", "/build", "/home/a b", .null], ["", "build", "/a:b", "/a\nb", "/a\u{0}", 1]),
    "shell": (["/nix/store/x/bin/bash", .null], ["", "/", "bash", 1]),
    "coreutils": (["/nix/store/x", .null], ["", "x", []]),
    "cacert": (["/nix/store/x", .null], ["", "x", []]),
    "command": (["", "a\nb", .null], [["a"], "a\u{0}", 1]), "run": (["", "a", .null], [["a"], "\u{0}", 1]),
    "compressor": (["none", "gz", "zstd", .null], ["xz", 1]),
    "closure": (["graph.json", .null], ["", 1]),
    "format": (["docker-archive", "oci", "oci-archive", .null], ["tar", 1]),
    "layerCompression": (["none", "gz", "zstd", .null], ["xz", 1]),
    "annotations": ([[:], ["a": "b"], .null], [["a": 1], []]),
    "labels": ([[:], ["a": "b"], .null], [["a": 1], []]),
  ]

  @Test func `parser and schema give each value one verdict`() async throws {
    let properties = try #require(ShellSpec.schema["properties"]?.object)
    #expect(Set(properties.names) == Set(Self.pool.keys))
    #expect(properties.members.allSatisfy { $0.value["description"]?.string?.hasSuffix(".") == true })
    #expect(ShellSpec.schema["required"] == ["drv"])
    var specs: [(spec: JSONObject, isRight: Bool)] = [([:], false), (["drv": .null], false)]
    for (key, values) in Self.pool {
      for (value, isRight) in values.right.map({ ($0, true) }) + values.wrong.map({ ($0, false) }) {
        var spec: JSONObject = ["drv": "a.drv"]
        spec[key] = value
        specs.append((spec, isRight))
      }
    }
    let verdicts = try await SchemaJudge.verdicts(on: specs.map { .object($0.spec) }, by: ShellSpec.schema)
    try #require(verdicts.count == specs.count)
    for ((spec, isRight), verdict) in zip(specs, verdicts) {
      let isAccepted = (try? Self.parse(spec)) != nil
      #expect(verdict == isRight && isAccepted == isRight, "\(spec)")
    }
  }
}
