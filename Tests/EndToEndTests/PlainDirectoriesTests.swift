import OrderedJSON
import TestSupport
import Testing

/// Directories outside of the store as `contents`.
@Suite struct PlainDirectoriesTests {
  /// Builds an image of directories a, b and c, which a script makes.
  private static func build(_ script: String, _ items: [JSONValue]) async throws -> (
    facts: ImageFacts, warnings: [Substring]
  ) {
    let place = try Workplace()
    defer { place.remove() }
    try await Program.check(
      "bash", ["-ec", "umask 022; mkdir a b c; " + script], workingDirectory: place.directory.path)
    let spec: JSONValue = ["name": "x", "tag": "1", "contents": .array(items), "compressor": "none"]
    let path = try place.directory.write(spec.serialized(), to: "spec.json")
    let output = place.directory.appending("out.tar")
    let result = try await place.cooper(["build", "layered", path, "-o", output])
    try #require(result.status == 0, "\(result.errors)")
    return (
      try await ImageFacts(of: output), result.errors.split(separator: "\n").filter { $0.contains("warning") }
    )
  }

  @Test func `a directory is a layer of its own with real files, owned by root, dated 1970`() async throws {
    let (facts, warnings) = try await Self.build(
      """
      mkdir a/bin; echo run > a/bin/run; chmod 4751 a/bin/run; ln -s run a/bin/link; ln a/bin/run a/bin/hard
      mkfifo a/pipe; mkdir -m 1777 a/tmp; chmod 700 a
      """, ["a"])
    #expect(warnings == [])
    #expect(facts.layers.count == 2)
    let listing = facts.layers[0].map { "\($0.path) \($0.kind) \($0.mode) \($0.target)" }
    #expect(
      listing == [
        "/ directory 755 ", "/bin directory 755 ", "/bin/hard file 4751 ", "/bin/link link 777 run",
        "/bin/run file 4751 ", "/pipe fifo 644 ", "/tmp directory 1777 ",
      ])
    #expect(facts.layers[0].allSatisfy { $0.owner == "0:0" && $0.modified == 1 })
    #expect(facts.top.map(\.path) == ["/"])
  }

  @Test func `of several directories the first wins, and what differs is told`() async throws {
    let script = "for d in a b c; do mkdir $d/etc; echo $d > $d/etc/conf; echo $d > $d/etc/$d; done"
    let (facts, warnings) = try await Self.build(script, ["b", "a", "c"])
    let expected = try await Self.build(script, ["b"]).facts.member("/etc/conf")
    #expect(facts.member("/etc/conf") == expected)
    for name in ["a", "b", "c"] { #expect(facts.member("/etc/" + name) != nil) }
    #expect(warnings.count == 2)
    for (warning, loser) in zip(warnings, ["/a", "/c"]) {
      #expect(warning.contains("“etc/conf”") && warning.contains("/b ") && warning.contains(loser))
    }
  }

  private static let pairs: [(String, Bool)] = [
    ("echo x > a/f; echo x > b/f", false), ("echo x > a/f; echo y > b/f", true),
    ("echo x > a/f; echo xy > b/f", true),
    ("echo x > a/f; echo x > b/f; chmod 755 b/f", true),
    ("ln -s t a/f; ln -s t b/f", false), ("ln -s t a/f; ln -s u b/f", true),
    ("echo x > a/f; ln -s t b/f", true), ("mkfifo a/f b/f", false), ("mkdir a/f b/f", false),
    ("mkdir a/d b/d; echo x > a/d/f; echo x > b/d/f", false),
    ("head -c 300000 /dev/zero > a/f; cp a/f b/f; echo >> b/f", true),
    ("head -c 300000 /dev/zero > a/f; cp a/f b/f", false),
  ]

  @Test(arguments: pairs)
  func `what is the same in two directories is no conflict`(script: String, differs: Bool) async throws {
    let warnings = try await Self.build(script, ["a", "b"]).warnings
    #expect(warnings.count == (differs ? 1 : 0), "\(warnings)")
  }

  @Test func `a directory that is named twice does not differ from itself`() async throws {
    let warnings = try await Self.build("mkdir a/d; echo x > a/d/f; ln -s f a/d/l", ["a", "./a/"]).warnings
    #expect(warnings == [])
  }
}
