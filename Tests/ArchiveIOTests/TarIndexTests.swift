import ArchiveIO
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Members of a tar by name: registry-protocol.md, section 15, "docker-archive".
@Suite struct TarIndexTests {
  static func index(_ members: [TarBytes.Member], then tail: [UInt8] = []) throws -> TarIndex {
    try index(TarBytes.archive(members) + tail)
  }

  static func index(_ bytes: [UInt8]) throws -> TarIndex {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write(bytes, to: "archive")
    return try TarIndex(PlainFile(scratch: FilePath(directory.path)).open(FilePath(path)))
  }

  static func content(_ index: TarIndex, _ name: String) throws -> [UInt8]? {
    try index.file(name)?.readAll(limit: 1 << 24)
  }

  @Test(
    arguments: [
      ("a", "a"), ("./a", "a"), ("a/", "a"), ("b//a", "b/a"), ("b/./a", "b/a"), ("b/../a", "a"), (".", "."),
      ("", "."),
      ("./", "."), ("..", ".."), ("../a", "../a"), ("a/../../b", "../b"), ("/a", "/a"), ("/../a", "/a"),
      ("/", "/"),
      ("../../a", "../../a"), ("a/b/../..", "."), ("...", "..."), ("a/..b", "a/..b"),
    ]) func `names are cleaned as Go does`(name: String, expected: String)
  {
    #expect(MemberName(name).bytes == Array(expected.utf8))
  }

  @Test func `any member is read in place`() throws {
    let (small, large) = (pattern(10), pattern(3_000_001, seed: 2))
    let index = try Self.index([
      .init("./small", small), .init("d/", type: "5"), .init("d/large", large), .init("empty"),
    ])
    #expect(index.count == 4)
    #expect(try Self.content(index, "small") == small)
    #expect(try Self.content(index, "d//large") == large)
    #expect(try Self.content(index, "empty") == [])
    #expect(try Self.content(index, "/small") == nil)
    let range = try #require(try index.file("d/large"))
    #expect(range.byteCount == 3_000_001)
    for piece in [1000, 65_536, 1 << 20, 1 << 23] { #expect(try range.open().drain(piece: piece) == large) }
    #expect(try range.suffix(7) == Array(large.suffix(7)))
    #expect(try #require(try index.file("small")).suffix(70) == small)
    let source = range.open()
    #expect(source.skip(2_000_000) == 2_000_000)
    #expect(try source.drain() == Array(large[2_000_000...]))
    #expect(source.skip(1) == 0)
  }

  @Test func `a link is followed once inside the archive`() throws {
    let index = try Self.index([
      .init("a/file", text: "x"), .init("b/soft", type: "2", link: "../a/file"),
      .init("b/hard", type: "1", link: "./a/file"), .init("b/both", type: "2", link: "hard"),
    ])
    for name in ["b/soft", "b/hard", "b/both"] { #expect(try Self.content(index, name) == Array("x".utf8)) }
  }

  static let refused: [(String, [TarBytes.Member], TarIndexError)] = {
    let x = MemberName("x")
    return [
      ("two files that differ", [.init("x", text: "a"), .init("./x", text: "b")], .conflict(name: x)),
      ("two files of other length", [.init("x", text: "a"), .init("x", text: "ab")], .conflict(name: x)),
      ("a file and a link", [.init("x"), .init("x", type: "2", link: "y")], .conflict(name: x)),
      ("a directory and a file", [.init("x/", type: "5"), .init("x")], .conflict(name: x)),
      ("a link to itself", [.init("x", type: "2", link: "x")], .tooManyLinks(name: x)),
      (
        "two links in a circle", [.init("x", type: "2", link: "y"), .init("y", type: "2", link: "x")],
        .tooManyLinks(name: MemberName("y"))
      ),
      ("a hard link to itself", [.init("x", type: "1", link: "x")], .tooManyLinks(name: x)),
      (
        "a link to nothing", [.init("x", type: "2", link: "/etc/passwd")],
        .brokenLink(name: x, target: MemberName("/etc/passwd"))
      ),
      (
        "a link out of the archive", [.init("x", type: "2", link: "../../etc/passwd")],
        .brokenLink(name: x, target: MemberName("../../etc/passwd"))
      ),
      ("a directory", [.init("x", type: "5")], .notAFile(name: x)),
      ("a pipe", [.init("x", type: "6")], .notAFile(name: x)),
    ]
  }()

  @Test(arguments: refused.indices) func `what two readers may understand differently is refused`(
    case index: Int
  ) throws {
    let (name, members, error) = Self.refused[index]
    let archive = try Self.index(members)
    #expect(throws: error, "\(name)") { try archive.file("x") }
  }

  @Test func `repetitions that are alike are one member`() throws {
    let content = pattern(700_000)
    let index = try Self.index([
      .init("x", content), .init("d/", type: "5"), .init("x", content), .init("d", type: "5"),
      .init("x", content),
    ])
    #expect(index.count == 2)
    #expect(try Self.content(index, "x") == content)
  }

  @Test func `names that lead elsewhere are only names`() throws {
    let index = try Self.index([
      .init("../../x", text: "a"), .init("/etc/passwd", text: "b"), .init("a\u{1b}[2J", text: "c"),
    ])
    #expect(try Self.content(index, "../../x") == Array("a".utf8))
    #expect(try Self.content(index, "/etc/passwd") == Array("b".utf8))
    #expect(!index.contains("etc/passwd"))
    #expect(!MemberName("a\u{1b}[2J").description.utf8.contains(0x1b))
  }

  @Test func `names with other bytes for one character are different`() throws {
    let index = try Self.index([.init("e\u{301}", text: "two"), .init("\u{e9}", text: "one")])
    #expect(try Self.content(index, "\u{e9}") == Array("one".utf8))
  }

  @Test func `a size beyond the end of the file is an error at once`() throws {
    var member = TarBytes.Member(
      "x", sizeField: [0x80] + [0, 0, 0, 0x0f] + [UInt8](repeating: 0xff, count: 7))
    #expect(throws: TarError.self) { try Self.index([member]) }
    member.sizeField = Array("00000010000".utf8)
    #expect(throws: TarError.truncated(offset: 1536)) { try Self.index([member]) }
  }

  @Test func `more members than are allowed are refused`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write(TarBytes.archive(["a", "a", "b", "c"].map { .init($0) }), to: "archive")
    let file = try PlainFile(scratch: FilePath(directory.path)).open(FilePath(path))
    #expect(try TarIndex(file, memberLimit: 4).count == 3)
    #expect(throws: TarIndexError.tooManyMembers(limit: 3)) { try TarIndex(file, memberLimit: 3) }
  }

  @Test func `an archive of nothing has no members`() throws {
    #expect(try Self.index([]).count == 0)
    #expect(try Self.index([UInt8]()).count == 0)
  }
}
