import TestSupport
import Testing

@testable import NixStore

@Suite struct LayerPlanTests {
  private static let seed: UInt64 = 20_261

  private func names(_ plan: LayerPlan) -> [[String]] { plan.layers.map { $0.map(\.name) } }

  // MARK: The vectors of nix-dockertools.md

  /// Section 15.4; its hashes are written with digits that base 32 has, in the same order.
  private static let autoGraph = [
    "a-glibc 30", "b-bash 2 a-glibc", "c-coreutils 5 a-glibc", "d-python 100 a-glibc b-bash",
    "f-app 1 d-python c-coreutils", "g-base.json 1 f-app",
  ]

  @Test(arguments: [
    (1, [["app", "bash", "coreutils", "glibc", "python"]]),
    (2, [["bash", "glibc", "python"], ["app", "coreutils"]]),
    (3, [["glibc"], ["bash", "python"], ["app", "coreutils"]]),
    (4, [["glibc"], ["coreutils"], ["bash", "python"], ["app"]]),
    (5, [["glibc"], ["bash"], ["coreutils"], ["python"], ["app"]]),
    (90, [["glibc"], ["bash"], ["coreutils"], ["python"], ["app"]]),
  ])
  func `auto layering gives the layers of nixpkgs`(available: Int, expected: [[String]]) throws {
    let plan = try LayerPlan.make(
      SmallStore.closure(Self.autoGraph), layering: .auto, maxLayers: available + 3, baseLayers: 2,
      ignoring: [SmallStore.path("g-base.json")])
    #expect(names(plan) == expected)
  }

  /// Section 15.5: the graph that nixpkgs explains its rule with.
  private static let popularityGraph = [
    "a-A 1 b-B g-G", "b-B 1 c-C f-E", "c-C 1 d-D f-E", "d-D 1 h-F", "f-E 1 h-F", "h-F 1", "g-G 1",
  ]

  @Test func `popularity orders paths as nixpkgs does`() throws {
    let closure = try SmallStore.closure(Self.popularityGraph)
    let expected: [String: UInt64] = ["F": 9, "E": 5, "D": 4, "C": 3, "B": 2, "G": 2, "A": 1]
    let counts = Popularity.counts(of: closure)
    for (node, count) in zip(closure.nodes, counts) {
      #expect(count == PathCount(try #require(expected[node.path.name])), "\(node.path.name)")
    }
    #expect(Popularity.order(of: closure).map(\.name) == ["F", "E", "D", "C", "B", "G", "A"])
  }

  @Test(arguments: [
    (2, [["F", "E", "D", "C", "B", "G", "A"]]),
    (3, [["F"], ["E", "D", "C", "B", "G", "A"]]),
    (7, [["F"], ["E"], ["D"], ["C"], ["B"], ["G", "A"]]),
    (8, [["F"], ["E"], ["D"], ["C"], ["B"], ["G"], ["A"]]),
    (9, [["F"], ["E"], ["D"], ["C"], ["B"], ["G"], ["A"]]),
  ])
  func `popular paths have layers of their own and the rest shares the last`(
    maxLayers: Int, expected: [[String]]
  ) throws {
    let plan = try LayerPlan.make(SmallStore.closure(Self.popularityGraph), maxLayers: maxLayers)
    #expect(names(plan) == expected)
  }

  @Test func `ignored paths count as dependants but take no layer`() throws {
    let graph = ["a-libc 1", "b-tool 1 a-libc", "c-app 1 b-tool", "d-config 1 b-tool"]
    let ignored = try SmallStore.path("d-config")
    for layering in [Layering.popularity, .explicit([["\(try SmallStore.path("a-libc"))", "\(ignored)"]])] {
      let plan = try LayerPlan.make(
        SmallStore.closure(graph), layering: layering, maxLayers: 4, ignoring: [ignored])
      #expect(Set(plan.layers.joined().map(\.name)) == ["libc", "tool", "app"])
    }
    // The libc is used through both: two copies of it, two of the tool, and the two roots. Of app alone: three.
    #expect(Popularity.counts(of: try SmallStore.closure(graph))[0] == PathCount(6))
  }

  // MARK: Room

  @Test(arguments: [(1, 0, 1), (1, 1, 2), (100, 99, 100), (2, 5, 6)])
  func `without room for a store layer the error is nixpkgs' own`(maxLayers: Int, base: Int, used: Int) {
    let error = #expect(throws: LayerPlanError.self) {
      try LayerPlan.make(SmallStore.closure(["a-x 1"]), maxLayers: maxLayers, baseLayers: base)
    }
    #expect(
      error?.description
        == "Error: usedLayers \(used) layers to store 'fromImage' and 'extraCommands', but only maxLayers=\(maxLayers) were allowed. At least 1 layer is required to store contents."
    )
  }

  @Test(arguments: [(124, nil), (125, LayerPlanWarning.dockerLimit(layerCount: 127))])
  func `a plan that reaches Docker's limit says so`(baseLayers: Int, warning: LayerPlanWarning?) throws {
    let plan = try LayerPlan.make(SmallStore.closure(["a-x 1"]), maxLayers: 200, baseLayers: baseLayers)
    #expect(plan.warning == warning)
  }

  @Test(arguments: [Layering.popularity, .auto, .explicit([])])
  func `nothing needs no layer`(layering: Layering) throws {
    #expect(try LayerPlan.make(Closure([]), layering: layering, maxLayers: 2).layers.isEmpty)
  }

  @Test func `auto layering refuses a graph without sizes`() throws {
    let path = try SmallStore.path("a-x")
    let closure = try Closure([ClosureNode(path: path, references: [])])
    #expect(throws: LayerPlanError.unmeasured(path)) {
      try LayerPlan.make(closure, layering: .auto, maxLayers: 5)
    }
  }

  // MARK: Lists

  @Test func `listed layers are kept and the rest shares the last`() throws {
    let lists = [["c-C", "a-A"], [], ["h-F"]]
    let texts = try lists.map { try $0.map { try SmallStore.path($0).description } }
    let plan = try LayerPlan.make(
      SmallStore.closure(Self.popularityGraph), layering: .explicit(texts), maxLayers: 4)
    #expect(names(plan) == [["C", "A"], ["F"], ["B", "D", "E", "G"]])
  }

  @Test(arguments: [
    ([["a-A"], ["a-A"]], "twice"), ([["a-A", "a-A"]], "twice"), ([["z-zlib"]], "not in the closure"),
    ([["a-A"], ["b-B"], ["c-C"]], "needs 4 layers"),
  ])
  func `lists that cannot be kept are refused`(lists: [[String]], reason: String) throws {
    let texts = try lists.map { try $0.map { try SmallStore.path($0).description } }
    let error = #expect(throws: LayerPlanError.self) {
      try LayerPlan.make(
        SmallStore.closure(Self.popularityGraph), layering: .explicit(texts), maxLayers: 4)
    }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func `a list of something else than store paths is refused`() throws {
    #expect(throws: LayerPlanError.path(.outside("/usr/bin", "/nix/store"))) {
      try LayerPlan.make(Closure([]), layering: .explicit([["/usr/bin"]]), maxLayers: 4)
    }
  }

  // MARK: Any graph

  @Test func `the layers are those of a slow implementation of the text`() throws {
    var generator = SeededGenerator(seed: Self.seed)
    for round in 0..<300 {
      let pathCount = generator.number(in: 1...14)
      let density = generator.number(in: 5...60)
      let closure = try SmallStore.randomClosure(&generator, pathCount: pathCount, density: density)
      let available = generator.number(in: 1...pathCount + 1)
      let slow = SlowLayering(closure)
      let popular = try LayerPlan.make(closure, layering: .popularity, maxLayers: available + 1)
      #expect(
        popular.layers.map { $0.map(\.description) } == slow.popularityLayers(available: available),
        "seed \(Self.seed), round \(round)")
      let auto = try LayerPlan.make(closure, layering: .auto, maxLayers: available + 1)
      #expect(
        auto.layers.map { $0.map(\.description) } == slow.autoLayers(available: available),
        "seed \(Self.seed), round \(round)")
    }
  }

  @Test func `every path is in exactly one layer, and there are not more layers than asked for`() throws {
    var generator = SeededGenerator(seed: Self.seed + 1)
    for round in 0..<60 {
      let closure = try SmallStore.randomClosure(
        &generator, pathCount: generator.number(in: 0...150), density: generator.number(in: 0...20))
      let paths = closure.nodes.map(\.path)
      let ignored = Set(paths.filter { _ in generator.once(in: 10) })
      let listed = paths.filter { _ in generator.once(in: 2) }.map { [$0.description] }
      let maxLayers = generator.number(in: 2...170)
      for layering in [Layering.popularity, .auto, .explicit(Array(listed.prefix(max(0, maxLayers - 2))))] {
        let plan = try LayerPlan.make(closure, layering: layering, maxLayers: maxLayers, ignoring: ignored)
        let place = "seed \(Self.seed + 1), round \(round), \(layering)"
        #expect(plan.layers.joined().sorted() == paths.filter { !ignored.contains($0) }, "\(place)")
        #expect(plan.layers.count < maxLayers, "\(place)")
        #expect(!plan.layers.contains([]), "\(place)")
      }
    }
  }

  // MARK: Large graphs

  /// Two paths in each rank that both refer to both of the next one: as many ways as 2 to the power of the depth.
  private func diamonds(_ depth: Int) throws -> Closure {
    let path = { (rank: Int, side: String) in
      try StorePath(parsing: "/nix/store/\(String(repeating: "a", count: 32))-\(rank)\(side)")
    }
    return try Closure(
      (0..<depth).flatMap { rank in
        try ["x", "y"].map { side in
          ClosureNode(
            path: try path(rank, side), narSize: 1,
            references: rank + 1 < depth ? [try path(rank + 1, "x"), try path(rank + 1, "y")] : [])
        }
      })
  }

  @Test func `counts beyond 64 bits still order the paths`() throws {
    let order = Popularity.order(of: try diamonds(500)).map(\.name)
    #expect(order == (0..<500).reversed().flatMap { ["\($0)x", "\($0)y"] })
  }

  @Test(arguments: [Layering.popularity, .auto])
  func `2000 paths are spread in one go`(layering: Layering) throws {
    var generator = SeededGenerator(seed: Self.seed + 2)
    let closure = try SmallStore.randomClosure(&generator, pathCount: 2000, density: 1)
    for maxLayers in [100, 3000] {
      let plan = try LayerPlan.make(closure, layering: layering, maxLayers: maxLayers)
      #expect(plan.layers.joined().sorted() == closure.nodes.map(\.path))
      #expect(plan.layers.count == min(maxLayers - 1, 2000) || layering == .auto)
    }
  }
}

@Suite struct PathCountTests {
  @Test func `a carry goes through all words`() {
    var left = PathCount(1)
    for _ in 0..<128 {
      let same = left
      left += same
    }
    var almost = PathCount(0)
    var power = PathCount(1)
    for _ in 0..<128 {
      almost += power
      let same = power
      power += same
    }
    #expect(almost < left)
    almost += PathCount(1)
    #expect(almost == left)
  }
}
