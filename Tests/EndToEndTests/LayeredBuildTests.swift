import Foundation
import OrderedJSON
import TestSupport
import Testing

/// `cooper build layered` and `cooper stream layered`, with a store of the test's own and GNU tar reading what came out.
@Suite struct LayeredBuildTests {
  /// A store with a closure of paths that refer to each other, and a place for specs.
  private struct Store {
    let place: Workplace
    let directory: String
    private(set) var paths: [String] = []

    /// `references[i]` are the places of what path i refers to.
    init(_ references: [[Int]]) throws {
      place = try Workplace()
      directory = place.directory.appending("store")
      for index in references.indices {
        let digits = String(index)
        let name = "\(String(repeating: "0", count: 32 - digits.count))\(digits)-p\(index)"
        paths.append("\(directory)/\(name)")
        try write("file \(index)\n", to: "store/\(name)/share/p\(index)")
      }
      let nodes = references.enumerated().map { index, references -> JSONValue in
        [
          "path": .string(paths[index]), "narSize": .integer(100 + index),
          "references": .array(references.map { .string(paths[$0]) }),
        ]
      }
      try write(String(decoding: JSONValue.array(nodes).serialized(), as: UTF8.self), to: "closure.json")
    }

    func write(_ text: String, to path: String) throws {
      let file = URL(fileURLWithPath: place.directory.appending(path))
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }

    /// Writes `members` and the closure as a spec, and gives its path.
    func spec(_ members: JSONObject, named name: String = "spec.json") throws -> String {
      var document: JSONObject = ["name": "app", "tag": "1", "closure": "closure.json", "compressor": "none"]
      for member in members.members { document[member.name] = member.value }
      try write(String(decoding: JSONValue.object(document).serialized(), as: UTF8.self), to: name)
      return place.directory.appending(name)
    }

    func cooper(_ arguments: [String], environment: [String: String] = [:]) async throws -> Program.Result {
      try await place.cooper(
        arguments, environment: ["NIX_STORE_DIR": directory].merging(environment) { $1 })
    }

    /// Builds `members`; the listing of each layer, from the base upwards.
    func build(_ members: JSONObject, quiet: Bool = true) async throws -> (layers: [[String]], errors: String)
    {
      let output = place.directory.appending("out.tar")
      let result = try await cooper(
        ["build", "layered", spec(members), "-o", output] + (quiet ? ["--quiet"] : []))
      try #require(result.status == 0, "\(result.errors)")
      return (try await layers(of: output), result.errors)
    }

    func layers(of archive: String) async throws -> [[String]] {
      let manifest = try await Program.check("tar", ["-xOf", archive, "manifest.json"]).output
      let names = try JSONValue(parsing: manifest).array?[0]["Layers"]?.array?.compactMap(\.string) ?? []
      var layers: [[String]] = []
      for name in names {
        let layer = try await Program.check("tar", ["-xOf", archive, name]).output
        let listing = try await Program.check("tar", ["--numeric-owner", "-tvPf", "-"], input: layer)
        layers.append(listing.text.split(separator: "\n").map(String.init))
      }
      return layers
    }
  }

  /// glibc, bash, tools, app, and one that nothing needs.
  private static let references = [[], [0, 1], [0], [1, 2, 3], []]

  @Test(arguments: [2, 3, 4, 5, 6, 100])
  func `every path of the closure is in one layer, whatever the limit`(maxLayers: Int) async throws {
    let store = try Store(Self.references)
    defer { store.place.remove() }
    let built = try await store.build([
      "contents": [.string(store.paths[3])], "maxLayers": .integer(maxLayers),
    ])
    #expect(built.layers.count == min(maxLayers, 5))
    for (index, path) in store.paths.enumerated() {
      let holders = built.layers.filter { layer in
        layer.contains { $0.hasPrefix("-") && $0.hasSuffix(" \(path)/share/p\(index)") }
      }
      // The last one is not in the closure.
      #expect(holders.count == (index == 4 ? 0 : 1), "path \(index)")
    }
    let links = built.layers.last?.filter { $0.contains(" ./share/p3 -> \(store.paths[3])/share/p3") }
    #expect(links?.count == 1)
  }

  @Test func `a path in the configuration brings its closure, and none comes when none is wanted`()
    async throws
  {
    let store = try Store(Self.references)
    defer { store.place.remove() }
    let config: JSONValue = ["Cmd": [.string(store.paths[2] + "/bin/x")]]
    let with = try await store.build(["config": config])
    #expect(with.layers.count == 3)
    let without = try await store.build(["config": config, "includeStorePaths": false])
    #expect(without.layers == [["drwxr-xr-x 0/0               0 1980-01-01 00:00 ./"]])
  }

  @Test func `a base that leaves no room is refused in nixpkgs' words`() async throws {
    let store = try Store(Self.references)
    defer { store.place.remove() }
    let base = store.place.directory.appending("base.tar")
    let first = try await store.cooper(
      [
        "build", "layered", store.spec(["contents": [.string(store.paths[3])]], named: "base.json"), "-o",
        base,
      ])
    #expect(first.status == 0, "\(first.errors)")
    let spec = try store.spec(["fromImage": "base.tar", "maxLayers": 6])
    let output = store.place.directory.appending("out.tar")
    let result = try await store.cooper(["build", "layered", spec, "-o", output])
    #expect(result.status == 1)
    #expect(
      result.errors.contains(
        "usedLayers 6 layers to store 'fromImage' and 'extraCommands', but only maxLayers=6 were allowed"),
      "\(result.errors)")
    #expect(!store.place.directory.contains("out.tar"))
  }

  @Test func `what a script leaves is packed with the owners it pretended, and brings what it speaks of`()
    async throws
  {
    let store = try Store(Self.references)
    defer { store.place.remove() }
    let built = try await store.build([
      "contents": [.string(store.paths[3])],
      "extraCommands": .string(
        "mkdir -p tmp data; chmod 1777 tmp; echo \(store.paths[4]) > data/refers; echo said"),
      "fakeRootCommands": "chown 1000:100 data; mknod data/null c 1 3; chmod 4755 data/refers",
    ])
    let top = try #require(built.layers.last)
    #expect(top.contains { $0.hasPrefix("drwxrwxrwt 0/0 ") && $0.hasSuffix(" ./tmp/") }, "\(top)")
    #expect(top.contains { $0.hasPrefix("drwxr-xr-x 1000/100 ") && $0.hasSuffix(" ./data/") }, "\(top)")
    #expect(top.contains { $0.hasPrefix("crw-r--r-- 0/0 ") && $0.contains(" 1,3 ") }, "\(top)")
    #expect(top.contains { $0.hasPrefix("-rwsr-xr-x 0/0 ") && $0.hasSuffix(" ./data/refers") }, "\(top)")
    #expect(built.layers.joined().contains { $0.hasSuffix("\(store.paths[4])/share/p4") })
    #expect(built.errors == "said\n")
  }

  /// Often, since what is left behind depends on which thread is the last to let go of the tree.
  @Test func `scripts leave no scratch directory behind`() async throws {
    let store = try Store(Self.references)
    defer { store.place.remove() }
    let scratch = store.place.directory.appending("scratch")
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    let spec = try store.spec(["extraCommands": "mkdir closed; chmod 0 closed"])
    for run in 1...40 {
      let result = try await store.cooper(
        ["build", "layered", spec, "-o", store.place.directory.appending("out.tar"), "--quiet"],
        environment: ["TMPDIR": scratch])
      #expect(result.status == 0, "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch) == [], "run \(run)")
    }
  }

  @Test func `a script that fails leaves nothing behind`() async throws {
    let store = try Store(Self.references)
    defer { store.place.remove() }
    let scratch = store.place.directory.appending("scratch")
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    let result = try await store.cooper(
      [
        "build", "layered", store.spec(["extraCommands": "echo before; false; echo after"]), "-o",
        store.place.directory.appending("out.tar"),
      ], environment: ["TMPDIR": scratch])
    #expect(result.status == 1)
    #expect(result.errors.contains("before") && !result.errors.contains("after"))
    #expect(result.errors.contains("“extraCommands”"))
    #expect(!store.place.directory.contains("out.tar"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch) == [])
  }

  @Test func `the same spec gives the same bytes under another mask, time zone, language and directory`()
    async throws
  {
    let store = try Store(Self.references)
    defer { store.place.remove() }
    try store.write("plain\n", to: "plain/etc/plain")
    let spec = try store.spec([
      "tag": .null, "contents": [.string(store.paths[3]), "plain", "helper:fakeNss"],
      "extraCommands": "mkdir made; date -d @0 > made/date; umask > made/mask",
      "fakeRootCommands": "chown -R 7:8 made", "compressor": "gz",
    ])
    var outputs: [[UInt8]] = []
    for (mask, zone) in [("022", "UTC"), ("077", "Asia/Kolkata")] {
      let command = "umask \(mask); cd /; exec \"$0\" build layered \"$1\" -o - -q --no-layer-cache"
      let result = try await Program.check(
        "bash", ["-c", command, Program.builtTool, spec],
        environment: [
          "NIX_STORE_DIR": store.directory, "TZ": zone, "LANG": "C.UTF-8", "HOME": store.place.home.path,
        ])
      outputs.append(result.output)
    }
    #expect(outputs[0].count > 1000)
    #expect((outputs[0] == outputs[1]) as Bool)
  }

  @Test func `what several items have is told, and a link to a directory is opened`() async throws {
    let store = try Store([[], [], []])
    defer { store.place.remove() }
    func path(_ index: Int, _ rest: String) -> String {
      "store/\(store.paths[index].split(separator: "/").last ?? "")/\(rest)"
    }
    try store.write("one", to: path(0, "etc/conf"))
    try store.write("two", to: path(1, "etc/conf"))
    try store.write("same", to: path(0, "etc/same"))
    try store.write("same", to: path(1, "etc/same"))
    try store.write("library", to: path(0, "lib64/a"))
    try FileManager.default.createSymbolicLink(
      atPath: store.place.directory.appending(path(0, "lib")), withDestinationPath: "lib64")
    try store.write("other", to: path(1, "lib/b"))
    let built = try await store.build(
      ["contents": .array(store.paths.prefix(2).map { .string($0) })], quiet: false)
    let warnings = built.errors.split(separator: "\n").filter { $0.contains("warning") }
    #expect(warnings.count == 1)
    #expect(warnings.first?.contains("“etc/conf” is in \(store.paths[0])/etc/conf") == true, "\(warnings)")
    let top = try #require(built.layers.last)
    #expect(top.contains { $0.hasSuffix(" ./lib/a -> \(store.paths[0])/lib64/a") }, "\(top)")
    #expect(top.contains { $0.hasSuffix(" ./lib/b -> \(store.paths[1])/lib/b") }, "\(top)")
    #expect(top.contains { $0.hasSuffix(" ./etc/conf -> \(store.paths[0])/etc/conf") }, "\(top)")
  }

  @Test(arguments: ["archive", "layout", "registry"])
  func `a base's links to directories stay, and contents go behind them`(kind: String) async throws {
    let registry = kind == "registry" ? try await RegistryServer.start() : nil
    defer { registry?.stop() }
    let store = try Store([[]])
    defer { store.place.remove() }
    let name = store.paths[0].split(separator: "/").last ?? ""
    try store.write("hello", to: "store/\(name)/bin/hello")
    try store.write("plain", to: "plain/bin/plain")
    let base = try store.spec(
      ["extraCommands": "mkdir -p usr/bin; echo sh > usr/bin/sh; ln -s usr/bin bin"], named: "base.json")
    let location =
      switch kind {
      case "archive": store.place.directory.appending("base.tar")
      case "layout": "oci:" + store.place.directory.appending("base")
      default: "docker://\(registry?.address ?? "")/base:1"
      }
    let made =
      kind == "registry"
      ? try await store.cooper(["push", base, location, "--tls-verify=false"])
      : try await store.cooper(["build", "layered", base, "-o", location])
    try #require(made.status == 0, "\(made.errors)")
    let spec = try store.spec([
      "fromImage": .string(location), "contents": [.string(store.paths[0]), "plain"],
    ])
    let output = store.place.directory.appending("out.tar")
    let result = try await store.cooper([
      "build", "layered", spec, "-o", output, "--quiet", "--tls-verify=false",
    ])
    try #require(result.status == 0, "\(result.errors)")
    let layers = try await store.layers(of: output)
    #expect(layers.count == 4)
    #expect(layers.joined().count { $0.contains(" ./bin") } == 1, "\(layers)")
    #expect(layers[0].contains { $0.hasSuffix(" ./bin -> usr/bin") }, "\(layers)")
    #expect(layers[2].contains { $0.hasSuffix(" ./usr/bin/plain") }, "\(layers)")
    #expect(
      layers[3].contains { $0.hasSuffix(" ./usr/bin/hello -> \(store.paths[0])/bin/hello") }, "\(layers)")
  }

  @Test func `a script streams what the spec streams, from anywhere`() async throws {
    let store = try Store(Self.references)
    defer { store.place.remove() }
    try store.write("plain\n", to: "plain/etc/plain")
    let spec = try store.spec(["contents": [.string(store.paths[3]), "plain"]])
    let script = store.place.directory.appending("stream-app")
    #expect(try await store.cooper(["stream", "layered", spec, "--script", script]).status == 0)
    let direct = try await store.cooper(["stream", "layered", spec])
    #expect(direct.status == 0, "\(direct.errors)")
    let run = try await Program.check(
      script, ["--repo_tag", "app:1"],
      environment: ["NIX_STORE_DIR": store.directory, "HOME": store.place.home.path],
      workingDirectory: "/")
    #expect((run.output == direct.output) as Bool)
    #expect(run.errors == direct.errors)
  }

  @Test(arguments: ["oci:", "oci-archive:", ""])
  func `a layer that cannot be made leaves no output`(transport: String) async throws {
    let store = try Store([[]])
    defer { store.place.remove() }
    try store.write("plain", to: "plain/file")
    let bind = "import socket; socket.socket(socket.AF_UNIX).bind('socket')"
    try await Program.check(
      "python3", ["-c", bind], workingDirectory: store.place.directory.appending("plain"))
    let result = try await store.cooper([
      "build", "layered", store.spec(["contents": ["plain"]]), "-o",
      transport + store.place.directory.appending("out"), "--quiet",
    ])
    #expect(result.status == 1)
    #expect(result.errors.contains("plain/./socket is a socket"), "\(result.errors)")
    #expect(try store.place.directory.names().sorted() == ["closure.json", "plain", "spec.json", "store"])
  }

  @Test func `contents that are not there are named`() async throws {
    let store = try Store([[]])
    defer { store.place.remove() }
    for missing in [store.paths[0] + "0", "nothing-here"] {
      let result = try await store.cooper(
        [
          "build", "layered", store.spec(["contents": [.string(missing)]]), "-o",
          store.place.directory.appending("out.tar"),
        ])
      #expect(result.status == 4, "\(result.errors)")
      #expect(result.errors.contains(missing), "\(result.errors)")
    }
  }

  private static let wrongSpecs: [(JSONObject, String)] = [
    (["nmae": "x"], "there is no key “nmae”"), (["maxLayers": 1], "“maxLayers”"),
    (["contents": 1], "“contents”"), (["compressor": "bz2"], "“compressor”"),
  ]

  @Test(arguments: wrongSpecs)
  func `a wrong spec is refused by the name of the key`(members: JSONObject, text: String) async throws {
    let store = try Store([[]])
    defer { store.place.remove() }
    let result = try await store.cooper(
      ["build", "layered", store.spec(members), "-o", store.place.directory.appending("out.tar")])
    #expect(result.status == 2, "\(result.errors)")
    #expect(result.errors.contains(text), "\(result.errors)")
    #expect(!store.place.directory.contains("out.tar"))
  }
}
