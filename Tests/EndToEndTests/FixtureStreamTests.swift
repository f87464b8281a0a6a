import Foundation
import OrderedJSON
import TestSupport
import Testing

extension FixtureStoreTests {
  /// `cooper stream conf` over a real store against CPython's tarfile (promise P2).
  @Suite struct FixtureStreamTests {
    /// What CPython's tarfile makes of a conf.json whose store is below `root`.
    private static func expected(below root: String, _ path: String) async throws -> Program.Result {
      try Program.require("python3", package: "python3")
      return try await Program.check(
        "python3", [testdata("stream-yardstick.py"), path], environment: ["STORE_ROOT": root])
    }

    /// A conf.json of these paths with random layers and values, and a layer in a directory that is made.
    private static func configuration(
      _ workplace: FixtureWorkplace, _ paths: [String], _ generator: inout SeededGenerator,
      layer: String
    ) async throws -> String {
      try workplace.place.directory.write("seed\n", to: "tree/etc/seed")
      try FileManager.default.createDirectory(atPath: layer, withIntermediateDirectories: true)
      let script = """
        tar --sort=name --numeric-owner --mtime=@315532800 -C "$0" -cf "$1/layer.tar" .
        sha256sum < "$1/layer.tar" | cut -d ' ' -f 1 > "$1/checksum"
        """
      try await Program.check("bash", ["-ec", script, workplace.path("tree"), layer])
      var rest = paths.shuffled(using: &generator)
      var layers: [JSONValue] = []
      while !rest.isEmpty {
        let count = min(rest.count, generator.number(in: 1...max(1, paths.count / 6)))
        layers.append(.array(rest.prefix(count).map { .string($0) }))
        rest.removeFirst(count)
      }
      let document: JSONValue = [
        "architecture": "amd64", "config": ["Cmd": ["/bin/hello"], "Env": ["A=é"]], "os": "linux",
        "store_dir": "/nix/store", "from_image": .null,
        "store_layers": .array(layers), "customisation_layer": .string(layer), "repo_tag": "hello:latest",
        "created": .string(generator.pick(["1970-01-01T00:00:01+00:00", "2024-02-29T12:00:00+05:30"])),
        "mtime": .string(generator.pick(["1970-01-01T00:00:01+00:00", "2242-03-16T12:56:32+00:00"])),
        "uid": .string(generator.pick(["0", "1000", "2097152"])),
        "gid": .string(generator.pick(["0", "100", "4294967294"])),
        "uname": .string(generator.pick(["root", "user", "größe"])), "gname": "root",
      ]
      return try workplace.place.directory.write(document.serialized(.indented(by: 2)), to: "conf.json")
    }

    @Test(arguments: [(5, 1), (5, 2), (40, 1), (40, 2), (150, 1), (0, 1)])
    func `a closure and the oddities give the script's bytes and words`(size: Int, round: UInt64) async throws
    {
      let seed = round &+ UInt64(getpid()) &* 1000
      var generator = SeededGenerator(seed: seed)
      try await FixtureWorkplace.with { workplace in
        let store = workplace.store
        let paths = size == 0 ? [try store.quirks()] : try store.closure(size)
        let path = try await Self.configuration(
          workplace, paths, &generator, layer: workplace.path("customisation"))
        let expected = try await Self.expected(below: store.root, path)
        let comment: Comment = "seed \(seed)"
        for run in ["made twice", "remembered"] {
          let streamed = try await workplace.cooper(["stream", "conf", path, "--store-root", store.root])
          #expect(streamed.status == 0 && streamed.errors == expected.errors, comment)
          #expect((streamed.output == expected.output) as Bool, "\(comment), \(run)")
        }
        let file = workplace.path("out.tar")
        let written = try await workplace.cooper(
          ["stream", "conf", path, "-o", file, "--no-layer-cache"])
        #expect(written.status == 0 && written.errors == expected.errors, comment)
        #expect(try (workplace.place.directory.read("out.tar") == expected.output) as Bool, comment)
      }
    }

    /// Where Nix has them.
    @Test func `the base image and the layer of links are found in the private store, too`() async throws {
      var generator = SeededGenerator(seed: 1)
      try await FixtureWorkplace.with { workplace in
        let paths = try workplace.store.closure(5)
        let root = workplace.path("private")
        let own = "/nix/store/00000000000000000000000000000000-"
        let path = try await Self.configuration(
          workplace, paths, &generator, layer: root + own + "customisation-layer")
        let copy = paths.map { workplace.store.root + $0 } + [root + "/nix/store"]
        try await Program.check("cp", ["-a"] + copy)
        let base = try await workplace.cooper(["stream", "conf", path, "-o", root + own + "base.tar"])
        #expect(base.status == 0, "\(base.errors)")
        let text = String(decoding: try workplace.place.directory.read("conf.json"), as: UTF8.self)
          .replacing(root, with: "").replacing(
            "\"from_image\": null", with: "\"from_image\": \"\(own)base.tar\"")
        let stacked = try workplace.place.directory.write(text, to: "stacked.json")
        let expected = try await Self.expected(below: root, stacked)
        let streamed = try await workplace.cooper(["stream", "conf", stacked, "--store-root", root])
        #expect(streamed.status == 0 && streamed.errors == expected.errors, "\(streamed.errors)")
        #expect((streamed.output == expected.output) as Bool)
        try await Program.check("chmod", ["-R", "u+w", root])
      }
    }
  }
}
