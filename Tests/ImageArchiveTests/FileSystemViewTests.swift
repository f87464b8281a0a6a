import ArchiveIO
import Hashing
import ImageArchive
import OCIModel
import TestSupport
import Testing

/// image-spec, "Layers": what several layers make together.
@Suite struct FileSystemViewTests {
  typealias Member = TarBytes.Member

  static func directory(_ name: String) -> Member { Member(name, type: "5") }
  static func symlink(_ name: String, _ target: String) -> Member { Member(name, type: "2", link: target) }
  static func hardLink(_ name: String, _ target: String) -> Member { Member(name, type: "1", link: target) }

  static func view(_ layers: [[Member]]) throws -> FileSystemView {
    var view = FileSystemView()
    for (number, members) in layers.enumerated() {
      let source = ArraySource(TarBytes.archive(members))
      try view.apply(LayerChanges(source, hashingContents: true), number: number)
    }
    return view
  }

  /// Each name with what it is: `a/` for directories, `a -> b` for links, `a=content` for small files.
  static func listing(_ view: FileSystemView, contents: [String] = ["1", "2", "3", ""]) -> [String] {
    var lines: [String] = []
    view.forEach { path, entry in
      let name = String(decoding: path.bytes, as: UTF8.self)
      switch entry.kind {
      case .directory: lines.append(name + "/")
      case .symbolicLink: lines.append("\(name) -> \(String(decoding: entry.linkTarget, as: UTF8.self))")
      default:
        let content = contents.first { Digest(of: Array($0.utf8)) == entry.contentDigest }
        lines.append("\(name)=\(content ?? "?")")
      }
    }
    return lines
  }

  struct Case: Sendable, CustomStringConvertible {
    let description: String
    let layers: [[Member]]
    let expected: [String]

    init(_ description: String, _ layers: [[Member]], _ expected: [String]) {
      self.description = description
      self.layers = layers
      self.expected = expected
    }
  }

  static let cases: [Case] = [
    Case("upper files replace lower ones", [[.init("a", text: "1")], [.init("a", text: "2")]], ["a=2"]),
    Case(
      "names with ./, / and .. are what they mean",
      [[directory("./"), directory("./d/"), .init("/d/a", text: "1"), .init("d/x/../b", text: "2")]],
      ["d/", "d/a=1", "d/b=2"]),
    Case("missing directories are made", [[.init("a/b/c", text: "1")]], ["a/", "a/b/", "a/b/c=1"]),
    Case(
      "a whiteout removes a file", [[.init("a", text: "1"), .init("b", text: "2")], [.init(".wh.a")]], ["b=2"]
    ),
    Case(
      "a whiteout removes a directory with everything in it",
      [[.init("a/b/c", text: "1"), .init("a2", text: "2")], [.init(".wh.a")]], ["a2=2"]),
    Case(
      "a whiteout says nothing about its own layer, whichever comes first",
      [
        [.init("a/old", text: "1"), .init("b/old", text: "1"), .init("c", text: "1")],
        [
          directory("a"), .init("a/new", text: "2"), .init(".wh.a"), .init(".wh.b"), directory("b"),
          .init("b/new", text: "2"), .init("c", text: "2"), .init(".wh.c"),
        ],
      ], ["a/", "a/new=2", "b/", "b/new=2", "c=2"]),
    Case(
      "a whiteout of what is not there is nothing",
      [[.init("a", text: "1")], [.init("x/.wh.y"), .init(".wh.z")]],
      ["a=1"]),
    Case(
      "an opaque directory keeps only what its own layer has",
      [
        [.init("d/a", text: "1"), .init("d/sub/b", text: "1"), .init("e", text: "1")],
        [directory("d"), .init("d/sub/c", text: "2"), .init("d/.wh..wh..opq"), .init("d/f", text: "3")],
      ], ["d/", "d/f=3", "d/sub/", "d/sub/c=2", "e=1"]),
    Case(
      "an opaque root empties everything", [[.init("a/b", text: "1")], [.init(".wh..wh..opq"), .init("c")]],
      ["c="]),
    Case(
      "the names that AUFS keeps are not there",
      [[.init(".wh..wh.aufs"), directory(".wh..wh.plnk/"), .init(".wh..wh.plnk/1", text: "1"), .init("a")]],
      ["a="]),
    Case(
      "a file in the place of a directory, and back",
      [[.init("a/b", text: "1")], [.init("a", text: "2")], [directory("a"), .init("a/c", text: "3")]],
      ["a/", "a/c=3"]),
    Case(
      "a directory over a directory keeps what is in it",
      [[directory("a"), .init("a/b", text: "1")], [directory("a/"), .init("a/c", text: "2")]],
      ["a/", "a/b=1", "a/c=2"]),
    Case(
      "symbolic links on the way are followed inside the image",
      [
        [
          symlink("bin", "usr/bin"), directory("usr/bin"), symlink("abs", "/usr"), symlink("up", "../../usr"),
        ],
        [.init("bin/a", text: "1"), .init("abs/b", text: "2"), .init("up/c", text: "3")],
      ],
      [
        "abs -> /usr", "bin -> usr/bin", "up -> ../../usr", "usr/", "usr/b=2", "usr/bin/", "usr/bin/a=1",
        "usr/c=3",
      ]),
    Case(
      "whiteouts follow them, too, and remove a link itself",
      [
        [symlink("bin", "usr/bin"), .init("usr/bin/a", text: "1"), symlink("l", "usr")],
        [.init("bin/.wh.a"), .init(".wh.l")],
      ], ["bin -> usr/bin", "usr/", "usr/bin/"]),
    Case(
      "a directory replaces a symbolic link, and what it led to stays",
      [
        [symlink("a", "b"), .init("b/x", text: "1")],
        [directory("a"), .init("a/.wh..wh..opq"), .init("a/y", text: "2")],
      ], ["a/", "a/y=2", "b/", "b/x=1"]),
    Case(
      "hard links are the file, also when its first name goes",
      [[.init("a", text: "1"), hardLink("d/b", "./a")], [.init("a", text: "2")], [.init(".wh.a")]],
      ["d/", "d/b=1"]),
    Case("a hard link to itself is nothing", [[.init("a", text: "1"), hardLink("a", "a")]], ["a=1"]),
    Case(
      "a hard link takes a file of a lower layer", [[.init("a", text: "1")], [hardLink("b", "a")]],
      ["a=1", "b=1"]),
  ]

  @Test(arguments: cases) func `layers make what the specification says`(example: Case) throws {
    #expect(Self.listing(try Self.view(example.layers)) == example.expected)
  }

  @Test(arguments: [
    ([[Member("../a")]], FileSystemError.leadsOut(FileSystemPath("../a".utf8))),
    ([[Member("a/../../b")]], .leadsOut(FileSystemPath("a/../../b".utf8))),
    ([[Member(".wh.")]], .badWhiteout(FileSystemPath(".wh.".utf8))),
    ([[Member("d/.wh..")]], .badWhiteout(FileSystemPath("d/.wh..".utf8))),
    ([[Member("d/.wh...")]], .badWhiteout(FileSystemPath("d/.wh...".utf8))),
    (
      [[hardLink("a", "none")]],
      .brokenLink(FileSystemPath("a".utf8), target: FileSystemPath("none".utf8))
    ),
    (
      [[directory("d"), hardLink("a", "d")]],
      .brokenLink(FileSystemPath("a".utf8), target: FileSystemPath("d".utf8))
    ),
    ([[symlink("a", "b"), symlink("b", "a"), Member("a/x")]], .tooManyLinks(FileSystemPath("a".utf8))),
    ([[Member(".")]], .rootReplaced),
    ([[Member("v", type: "V")]], .unknownType(FileSystemPath("v".utf8), UInt8(ascii: "V"))),
  ])
  func `what cannot be is refused`(layers: [[Member]], error: FileSystemError) {
    #expect(throws: error) { try Self.view(layers) }
  }

  @Test func `links that lead deeper and deeper come to an end`() {
    let deep = Array(repeating: "d", count: 45).joined(separator: "/")
    var members = [Self.directory(deep), Self.symlink("l0", deep)]
    for number in 1...60 {
      members.append(Self.directory("l\(number - 1)/\(deep)"))
      members.append(Self.symlink("l\(number)", "l\(number - 1)/\(deep)"))
    }
    #expect(throws: FileSystemError.self) { try Self.view([members]) }
  }

  @Test func `attributes come from the topmost layer that has the name`() throws {
    var file = Member("f", text: "1")
    file.mode = 0o4755
    file.userField = Array("0001750\0".utf8)
    let view = try Self.view([[.init("f", text: "2")], [file]])
    let entry = try #require(try view.entry(at: FileSystemPath("f".utf8)))
    #expect(entry.mode == 0o4755 && entry.userID == 1000 && entry.byteCount == 1)
    #expect(entry.origin == FileSystemEntry.Origin(layer: 1, member: 0))
    #expect(view.count == 2)
  }

  // MARK: Differences

  static func differences(_ first: [[Member]], _ second: [[Member]], times: Bool = false) throws -> [String] {
    try view(first).differences(from: view(second), comparingTimes: times).map { difference in
      let path = String(decoding: difference.path.bytes, as: UTF8.self)
      if difference.first == nil { return "A \(path)" }
      if difference.second == nil { return "D \(path)" }
      return "C \(path) \(difference.aspects.map(\.rawValue).joined(separator: ","))"
    }
  }

  @Test func `files are added, changed and deleted`() throws {
    var mode = Member("mode", text: "1")
    var owner = mode
    owner.name = Array("owner".utf8)
    let (oldMode, oldOwner) = (mode, owner)
    mode.mode = 0o600
    owner.userField = Array("0000001\0".utf8)
    let first = [
      [
        Member("gone/a", text: "1"), Member("same", text: "1"), Member("content", text: "1"),
        Member("size", text: "1"), oldMode, oldOwner, Self.symlink("link", "a"), Member("type", text: "1"),
      ]
    ]
    let second = [
      [
        Member("same", text: "1"), Member("content", text: "2"), Member("size", text: "22"), mode, owner,
        Self.symlink("link", "b"), Self.directory("type"), Member("type/new", text: "1"),
      ]
    ]
    #expect(
      try Self.differences(first, second) == [
        "C content content", "D gone", "D gone/a", "C link target", "C mode mode", "C owner owner",
        "C size size,content", "C type type", "A type/new",
      ])
    #expect(try Self.differences(first, first) == [])
  }

  @Test func `the same files in other layers are no difference`() throws {
    let flat = [[Self.directory("d"), Member("d/a", text: "1"), Member("b", text: "2")]]
    let layered = [
      [Self.directory("d"), Member("d/a", text: "3"), Member("d/x", text: "1")],
      [Member("d/a", text: "1"), Member("d/.wh.x")], [Member("b", text: "2")],
    ]
    #expect(try Self.differences(flat, layered) == [])
  }
}
