import TestSupport

@testable import NixStore

/// Store paths with short names, for graphs written down in a test.
enum SmallStore {
  /// `a-glibc` becomes `/nix/store/aaaa…-glibc`.
  static func path(_ short: String) throws -> StorePath {
    let parts = short.split(separator: "-", maxSplits: 1)
    let hash = String(repeating: String(parts[0]), count: 32 / parts[0].count)
    return try StorePath(parsing: "/nix/store/\(hash)-\(String(parts[1]))")
  }

  /// A closure from lines `PATH SIZE REFERENCE…`.
  static func closure(_ lines: [String]) throws -> Closure {
    try Closure(
      lines.map { line in
        let words = line.split(separator: " ").map(String.init)
        return ClosureNode(
          path: try path(words[0]), narSize: Int64(words[1]), references: try words.dropFirst(2).map(path))
      })
  }

  /// A random closure: references go to earlier paths or to the path itself; sizes and names repeat.
  static func randomClosure(
    _ generator: inout SeededGenerator, pathCount: Int, density: Int
  ) throws -> Closure {
    let digits = Array("0123456789abcdfghijklmnpqrsvwxyz")
    let names = ["a", "a+", "a-b", "lib", "lib-1.0", "lib+x", "z"]
    var paths: [StorePath] = []
    var nodes: [ClosureNode] = []
    for _ in 0..<pathCount {
      let hash = String((0..<32).map { _ in generator.pick(digits) })
      let path = try StorePath(parsing: "/nix/store/\(hash)-\(generator.pick(names))")
      var references = paths.filter { _ in generator.number(in: 0...99) < density }
      if generator.once(in: 4) { references.append(path) }
      nodes.append(
        ClosureNode(
          path: path, narSize: Int64(generator.number(in: 1...12)),
          references: references.shuffled(using: &generator)))
      paths.append(path)
    }
    return try Closure(nodes.shuffled(using: &generator))
  }
}
