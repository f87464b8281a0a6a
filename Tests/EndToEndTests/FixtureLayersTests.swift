import Foundation
import OrderedJSON
import TestSupport
import Testing

extension FixtureStoreTests {
  /// How closures of a real store are spread over layers (nix-dockertools.md, 3.1 to 3.3).
  @Suite struct FixtureLayersTests {
    private static let limits = StoreFixture.sizes.flatMap { size in
      [2, size - 1, size, size + 1].map { (size, $0) }
    }

    @Test(arguments: limits)
    func `the closure is in the layers that nixpkgs' rule makes, whatever the limit`(
      size: Int, maxLayers: Int
    ) async throws {
      try await FixtureWorkplace.with { workplace in
        let paths = try workplace.store.closure(size)
        let top = try workplace.store.top(size)
        let (facts, _) = try await workplace.build([
          "contents": [.string(top)], "maxLayers": .integer(maxLayers), "compressor": "none",
        ])
        #expect(facts.layers.count == min(maxLayers, size + 1))
        let expected = try await workplace.popularLayers(size, maxLayers: maxLayers, referencesOf: facts.top)
        #expect(facts.storePaths == expected + [[]])
        // Each path once, none forgotten: by the closure, not by the rule.
        #expect(facts.storePaths.joined().sorted() == paths.sorted())
      }
    }

    @Test(arguments: [1, 2, 3, 4])
    func `several contents and the configuration count as nixpkgs counts them`(seed: UInt64) async throws {
      var generator = SeededGenerator(seed: seed &+ UInt64(getpid()) &* 1000)
      let size = generator.pick([40, 150])
      try await FixtureWorkplace.with { workplace in
        // Directories, which are what can be joined.
        let paths = try workplace.store.closure(size).filter { path in
          let attributes = try FileManager.default.attributesOfItem(atPath: workplace.store.root + path)
          return attributes[.type] as? FileAttributeType == .typeDirectory
        }
        let contents = (0..<generator.number(in: 1...4)).map { _ in generator.pick(paths) }
        let maxLayers = generator.number(in: 2...size)
        let graph = "\(workplace.store.results)/closure-\(size).\(generator.pick(["json", "registration"]))"
        let (facts, _) = try await workplace.build([
          "contents": .array(contents.map { .string($0) }), "maxLayers": .integer(maxLayers),
          "closure": .string(graph), "compressor": "none",
        ])
        let expected = try await workplace.popularLayers(size, maxLayers: maxLayers, referencesOf: facts.top)
        #expect(
          facts.storePaths == expected + [[]], "seed \(seed), maxLayers \(maxLayers), contents \(contents)")
      }
    }

    @Test(arguments: [1, 3, 39, 98])
    func `newest nixpkgs' rule forgets no path, and puts what others need before them`(room: Int) async throws
    {
      try await FixtureWorkplace.with { workplace in
        let paths = try workplace.store.closure(40)
        let (facts, _) = try await workplace.build([
          "contents": [.string(try workplace.store.top(40))], "layering": "auto",
          "maxLayers": .integer(room + 1), "compressor": "none",
        ])
        #expect(facts.storePaths.joined().sorted() == paths.sorted())
        #expect(facts.layers.count <= room + 1)
        if room >= 40 {
          #expect(facts.storePaths.dropLast().allSatisfy { $0.count == 1 })
        }
      }
    }

    @Test func `layers are the lists that are given, and what is in none is in one more`() async throws {
      try await FixtureWorkplace.with { workplace in
        let paths = try workplace.store.closure(5)
        let lists = [[paths[4]], [paths[1], paths[0]]]
        let (facts, _) = try await workplace.build([
          "contents": [.string(paths[4])],
          "layering": .array(lists.map { .array($0.map { .string($0) }) }),
        ])
        #expect(facts.storePaths.joined().sorted() == paths.sorted())
        #expect(facts.storePaths.prefix(2).map { $0.sorted() } == lists.map { $0.sorted() })
        #expect(facts.storePaths.dropFirst(2).map { $0.sorted() } == [[paths[2], paths[3]].sorted(), []])
      }
    }

    @Test func `a base image counts, and one that leaves no room is refused in nixpkgs' words`() async throws
    {
      try await FixtureWorkplace.with { workplace in
        let base = try await workplace.build(
          ["contents": [.string(try workplace.store.top(5))]], output: "base.tar"
        ).facts
        #expect(base.layers.count == 6)
        let world = try workplace.store.closure(40)
        let members: JSONObject = [
          "name": "x", "fromImage": "base.tar", "contents": [.string(try workplace.store.top(40))],
        ]
        for limit in [8, 20] {
          var document = members
          document["maxLayers"] = .integer(limit)
          let (facts, _) = try await workplace.build(document)
          #expect(facts.layers.count == limit)
          #expect(facts.diffIDs.prefix(6) == base.diffIDs[...])
          #expect(Set(world).isSubset(of: facts.storePaths.joined()))
        }
        for limit in [2, 6, 7] {
          var document = members
          document["maxLayers"] = .integer(limit)
          let result = try await workplace.run(document, output: "refused.tar")
          #expect(result.status == 1, "maxLayers \(limit)")
          #expect(
            result.errors.contains(
              "usedLayers 7 layers to store 'fromImage' and 'extraCommands', but only maxLayers=\(limit) were allowed"
            ), "\(result.errors)")
          #expect(!workplace.place.directory.contains("refused.tar"))
        }
      }
    }

    @Test func `images that need the same have the same layers`() async throws {
      try await FixtureWorkplace.with { workplace in
        let paths = try workplace.store.closure(5)
        let one = try await workplace.build(["contents": [.string(paths[3])]], output: "one.tar").facts
        let other = try await workplace.build(
          [
            "name": "other", "contents": [.string(paths[4])], "config": ["Cmd": ["/bin/hello"]],
            "created": "2024-02-29T12:00:00+05:30",
          ], output: "other.tar"
        ).facts
        // Everything but hello and the links.
        let common = Set(one.diffIDs).intersection(other.diffIDs)
        #expect(common == Set(one.diffIDs.dropLast()))
        #expect(common.count == 4)
      }
    }
  }
}
