import Foundation
import Hashing
import OrderedJSON
import SystemPackage
import TestSupport
import Testing

@testable import NixStore

@Suite struct ClosureTests {
  private static let libc = "/nix/store/6bpgi6p9c5g94j2459mkz0c4m754vdgf-golden-libc"
  private static let libm = "/nix/store/85nz0xgzsdabpidgidw61s9cvs8iwxdd-golden-libm"

  // MARK: The four shapes

  /// What Nix says of the closure of the vectors.
  private func golden(hashes: Bool) throws -> [ClosureNode] {
    try NixVectors.load().closure.paths.map { text in
      ClosureNode(
        path: try StorePath(parsing: text.path),
        narHash: hashes ? try NixHash(parsing: text.narSHA256.sri) : nil,
        narSize: hashes ? text.narSize : nil,
        references: try text.references.map { try StorePath(parsing: $0) })
    }
  }

  /// The JSON of the vectors as it stands in the file.
  private func structured() throws -> JSONValue {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "testdata/nix-hash-vectors.json")
    return try #require(
      JSONValue(parsing: [UInt8](Data(contentsOf: file)))["text-closure"]?["graph-structured"])
  }

  @Test func `the text of a build's graph is read`() throws {
    let closure = try Closure(parsing: NixVectors.load().closure.buildGraph.utf8)
    #expect(try closure == Closure(golden(hashes: false)))
  }

  @Test func `a registration is read and written as Nix writes it`() throws {
    let text = try NixVectors.load().closure.registration
    let closure = try Closure(parsing: text.utf8)
    #expect(try closure == Closure(golden(hashes: true)))
    #expect(try String(decoding: closure.registration(), as: UTF8.self) == text)
  }

  @Test func `the JSON of a build's graph is read`() throws {
    #expect(try Closure(parsing: structured().serialized()) == Closure(golden(hashes: true)))
  }

  @Test func `JSON keyed by path is read, as newer versions print it`() throws {
    var object = JSONObject()
    for element in try #require(structured().array) {
      var member = try #require(element.object)
      member["path"] = nil
      member["narHash"] = .string(try NixHash(parsing: #require(element["narHash"]?.string)).sri)
      member["deriver"] = .null
      object[try #require(element["path"]?.string)] = .object(member)
    }
    #expect(try Closure(parsing: JSONValue.object(object).serialized()) == Closure(golden(hashes: true)))
  }

  @Test(arguments: ["", "[]", "{}", "\n  [ ]\n"])
  func `nothing is the closure of nothing`(text: String) throws {
    #expect(try Closure(parsing: text.utf8).nodes.isEmpty)
  }

  @Test func `lines may lack the last end, derivers are kept, and a size of 0 is not known`() throws {
    let text = "\(Self.libc)\n\(String(repeating: "0", count: 64))\n0\n\(Self.libm)\n1\n\(Self.libc)"
    let node = try #require(try Closure(parsing: text.utf8).nodes.first)
    #expect(node.deriver?.description == Self.libm)
    #expect(node.narSize == nil)
    #expect(node.references.map(\.description) == [Self.libc])
  }

  @Test func `the order of a graph has no meaning`() throws {
    var generator = SeededGenerator(seed: 7)
    let nodes = try golden(hashes: true)
    for _ in 0..<20 {
      let shuffled = try Closure(nodes.shuffled(using: &generator))
      #expect(shuffled.nodes.map(\.path) == nodes.map(\.path).sorted())
      #expect(try shuffled.registration() == Closure(nodes).registration())
    }
  }

  // MARK: Faults

  /// Each with what the message must say, besides being one line.
  @Test(arguments: [
    ("\(libc)\n\n0\n\(libm)\n\n1\n/nix/store/x\n", "line 7: “/nix/store/x” is not a store path"),
    ("\(libc)\n\n1\n\(libm)\n", "line 1: \(libc) refers to \(libm), which is not listed"),
    ("\(libc)\n\n0\n\(libc)\n\n0\n", "line 4: \(libc) is listed a second time"),
    ("\(libc)\n\n2\n\(libc)\n\(libc)\n", "line 1: \(libc) has the reference \(libc) twice"),
    ("\(libc)\n\n2\n\(libc)\n", "line 5: expected reference 2 of 2, found the end"),
    ("\(libc)\n\n99999999999999999\n", "line 4: expected reference 1"),
    ("\(libc)\n\n-1\n", "line 3: expected a number of references, found “-1”"),
    ("\(libc)\n\n+1\n\(libc)\n", "found “+1”"),
    ("\(libc)\n", "line 2: expected a deriver or an empty line, found the end"),
    ("\n\(libc)\n", "line 1: expected a store path, found an empty line"),
    ("\(libc)\n\n0\n\n", "line 4: expected a store path, found an empty line"),
    ("hello\n", "line 1: expected a store path, found “hello”"),
    ("\(libc)\nabc\n1\n\n0\n", "line 2: “abc” is not a sha256 hash"),
    ("\(libc)\nsha1-abc\n1\n\n0\n", "line 2: hash “sha1-abc” is not of the expected kind sha256"),
    ("\(libc)\n\n0\n/gnu/store/85nz0xgzsdabpidgidw61s9cvs8iwxdd-x\n\n0\n", "line 4: “/gnu/store/"),
    ("\(libc)\n\n1\n\(libm)\n\(libm)\n\n1\n\(libc)\n", "in a circle: \(libc) → \(libm) → \(libc)"),
    ("[1]", "element 1, path: expected a string, found nothing"),
    ("[{\"path\":\"\(libc)\"}]", "element 1, references: expected a list, found nothing"),
    ("[{\"path\":\"\(libc)\",\"valid\":false}]", "element 1: Nix does not have \(libc)"),
    ("{\"\(libc)\":null}", "member “\(libc)”: Nix does not have"),
    ("{\"builder\":1}", "member “builder”: “builder” is not a store path"),
    ("[{\"path\":\"\(libc)\",\"references\":[7]}]", "element 1, reference 1: expected a string, found 7"),
    (
      "[{\"path\":\"\(libc)\",\"references\":[],\"narSize\":-1}]",
      "narSize: expected a number of bytes, found -1"
    ),
    ("[{\"path\":\"\(libc)\",\"references\":[],\"narHash\":\"sha256:x\"}]", "narHash: “sha256:x” is not"),
    ("[", "not valid JSON"),
  ])
  func `a faulty graph is refused with its place`(text: String, message: String) {
    let error = #expect(throws: ClosureError.self) { try Closure(parsing: text.utf8) }
    let description = error?.description ?? ""
    #expect(description.contains(message), "\(description)")
    #expect(!description.contains("\n"))
  }

  @Test func `damaged graphs are refused, or closed all the same`() throws {
    let seed: UInt64 = 41
    var generator = SeededGenerator(seed: seed)
    let vectors = try NixVectors.load().closure
    let texts = try [
      Array(vectors.buildGraph.utf8), Array(vectors.registration.utf8), structured().serialized(),
    ]
    for round in 0..<600 {
      var text = texts[round % 3]
      for _ in 0...generator.number(in: 0...3) {
        let start = generator.number(in: 0...text.count - 1)
        let end = min(text.count, start + generator.number(in: 0...90))
        text.replaceSubrange(start..<end, with: generator.bytes(generator.number(in: 0...3)))
        if text.isEmpty { text = [0] }
      }
      // The type of the error is the compiler's to check.
      if let closure = try? Closure(parsing: text) {
        let paths = Set(closure.nodes.map(\.path))
        #expect(paths.count == closure.nodes.count, "seed \(seed), round \(round)")
        #expect(
          closure.nodes.allSatisfy { paths.isSuperset(of: $0.references) }, "seed \(seed), round \(round)")
      }
    }
  }

  @Test func `a chain of 50000 references needs no stack`() throws {
    let paths = try (0..<50_000).map {
      try StorePath(parsing: "/nix/store/\(String(repeating: "a", count: 32))-\($0)")
    }
    let nodes = zip(paths, paths.dropFirst()).map { ClosureNode(path: $0, references: [$1]) }
    let closure = try Closure(nodes + [ClosureNode(path: paths[49_999], references: [])])
    #expect(closure.topologicalOrder == paths.reversed())
    #expect(closure.roots == [paths[0]])
  }

  // MARK: Parts

  @Test func `a part has what its roots lead to`() throws {
    let closure = try SmallStore.closure([
      "a-libc 1 a-libc", "b-lib 1 a-libc", "c-tool 1 b-lib", "d-other 1 a-libc", "f-alone 1",
    ])
    #expect(
      try closure.paths(reachableFrom: [SmallStore.path("c-tool")]).map(\.name) == ["libc", "lib", "tool"])
    #expect(
      try closure.closure(of: [SmallStore.path("d-other"), SmallStore.path("f-alone")]).nodes.map(\.path.name)
        == ["libc", "other", "alone"])
    #expect(closure.roots.map(\.name) == ["tool", "other", "alone"])
    let unknown = try SmallStore.path("g-unknown")
    #expect(throws: ClosureError.missing(unknown)) { try closure.paths(reachableFrom: [unknown]) }
  }

  @Test func `references come first in topological order`() throws {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<30 {
      let closure = try SmallStore.randomClosure(&generator, pathCount: 40, density: 10)
      let order = closure.topologicalOrder
      #expect(order.sorted() == closure.nodes.map(\.path))
      let ranks = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
      for node in closure.nodes {
        for reference in node.references where reference != node.path {
          #expect(try #require(ranks[reference]) < #require(ranks[node.path]))
        }
      }
    }
  }

  @Test func `a registration needs hashes`() throws {
    let closure = try Closure(parsing: "\(Self.libc)\n\n0\n".utf8)
    #expect(throws: ClosureError.unmeasured(try StorePath(parsing: Self.libc))) { try closure.registration() }
  }

  // MARK: Nix

  @Test func `Nix is asked for a closure of a private store`() async throws {
    let store = try await NixTestStore()
    let root = try await store.addTexts()
    let tree = try await store.addTree()
    let closure = try await store.program.closure(of: [root, tree])
    #expect(closure.roots == [root, tree].sorted())
    let vectors = try NixVectors.load().closure
    #expect(root.description == vectors.root)
    #expect(try closure.closure(of: [root]).registration() == Array(vectors.registration.utf8))
    // And Nix reads what we write.
    let other = try await NixTestStore()
    try await Program.check(
      other.program.path.string, ["--load-db"], input: closure.registration())
    #expect(
      try await other.run(["--dump-db"]).output.sorted() == store.run(["--dump-db"]).output.sorted())
    try await store.remove()
    try await other.remove()
  }

  @Test func `a path that Nix does not have is an error with Nix's reason`() async throws {
    let store = try await NixTestStore()
    let path = try StorePath(parsing: Self.libc)
    let error = await #expect(throws: NixStoreFailure.self) { try await store.program.closure(of: [path]) }
    #expect(error?.description.contains("find the closure of \(Self.libc)") == true)
    #expect(error?.reason.contains("is not valid") == true)
    try await store.remove()
  }

  @Test func `hashes and sizes that a graph lacks are Nix's when they are computed`() async throws {
    let store = try await NixTestStore()
    let roots = [try await store.addTexts(), try await store.addTree()]
    let known = try await store.program.closure(of: roots)
    let bare = try Closure(known.nodes.map { ClosureNode(path: $0.path, references: $0.references) })
    #expect(try await bare.measured(below: FilePath(store.root)) == known)
    try await store.remove()
  }
}
