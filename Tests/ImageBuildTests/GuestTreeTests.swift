import ArchiveIO
import Foundation
import Hashing
@testable import ImageArchive
@testable import ImageBuild
import OCIModel
import SystemPackage
import TestSupport
import Testing

/// The tree of a virtual machine: what goes in, and what layer comes of the tar that it gives back.
@Suite struct GuestTreeTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  // MARK: Trees

  /// Files with two names, over two layers, of which the upper one replaces a name.
  private static let layers: [[TarBytes.Member]] = [
    [
      .init("d/", type: "5"), .init("d/file", text: "old"), .init("d/other", type: "1", link: "d/file"),
      .init("e/", type: "5"), .init("e/deep/file", text: "deep"), .init("replaced", text: "below"),
      .init("out", type: "2", link: "/"),
    ],
    [.init("replaced", text: "above"), .init("upper", text: "of the upper layer")],
  ]

  private func image() -> Image {
    let layers = Self.layers.map { members in
      let bytes = TarBytes.archive(members)
      return Layer(
        descriptor: Descriptor(
          mediaType: .ociLayer, digest: Digest(of: bytes), byteCount: Int64(bytes.count)),
        content: BytesContent(bytes))
    }
    let config = Array("{}".utf8)
    let manifest = Manifest(
      kind: .oci,
      config: Descriptor(
        mediaType: .ociConfig, digest: Digest(of: config), byteCount: Int64(config.count)),
      layers: layers.map(\.descriptor))
    return Image(manifest: manifest.encoded(), config: config, layers: layers)
  }

  private func tree(
    without removed: [String] = [], adding contents: FileTree = FileTree(), owner: TarOwner = TarOwner()
  ) throws -> GuestTree {
    var view = FileSystemView()
    for (number, members) in Self.layers.enumerated() {
      let changes = try LayerChanges(ArraySource(TarBytes.archive(members)), hashingContents: false)
      try view.apply(changes, number: number)
    }
    return try GuestTree(
      image(), view: view, without: removed.map { Array($0.utf8) }, adding: contents, owner: owner)
  }

  /// The tar as a file, as a machine leaves it.
  private func returned(_ members: [TarBytes.Member]) throws -> FileRange {
    let path = try directory.write(TarBytes.archive(members), to: "changes-\(UInt32.random(in: 0 ... .max))")
    return try FileRange(whole: DirectFile(reading: FilePath(path)))
  }

  /// The content of every member, by its name; of a link its target.
  private func listed(_ members: any TarMembers) throws -> [String: String] {
    var found: [String: String] = [:]
    while let input = try members.next() {
      var bytes = input.header.linkName
      if input.header.byteCount > 0 {
        bytes = [UInt8](repeating: 0, count: Int(input.header.byteCount))
        let source: any ByteSource =
          switch input.content {
          case .none: ArraySource([])
          case .bytes(let bytes): ArraySource(bytes)
          case .file(let file): file
          case .source(let source): source
          }
        let count = try bytes.withUnsafeMutableBytes { try source.readFully(into: $0) }
        #expect(count == bytes.count)
      }
      let name = String(decoding: input.header.name, as: UTF8.self)
      #expect(found[name] == nil)
      found[name] = String(decoding: bytes, as: UTF8.self)
    }
    return found
  }

  private func changes(of tree: GuestTree, excluding excluded: [String] = []) throws -> [String: String] {
    let layer = ChangedLayer(tree, rules: PermissionRules([]), excluding: excluded)
    var found = try listed(layer.members())
    for whiteout in layer.whiteouts { found["gone: \(String(decoding: whiteout.path, as: UTF8.self))"] = "" }
    return found
  }

  // MARK: Going in

  @Test func `everything goes in, contents of layers last and in their order`() throws {
    defer { directory.remove() }
    var contents = FileTree()
    contents.put(.file(Array("made".utf8), mode: 0o640), at: "e/made")
    let tree = try tree(adding: contents)
    let expected = [
      "./": "", "./d/": "", "./d/file": "old", "./d/other": "./d/file", "./e/": "", "./e/deep/": "",
      "./e/deep/file": "deep", "./e/made": "made", "./out": "/", "./replaced": "above",
      "./upper": "of the upper layer",
    ]
    #expect(try listed(tree.members()) == expected)
    let members = tree.members()
    var names: [String] = []
    while let input = try members.next() { names.append(String(decoding: input.header.name, as: UTF8.self)) }
    #expect(names.suffix(4) == ["./d/file", "./e/deep/file", "./replaced", "./upper"])
    #expect(names.first == "./")
  }

  @Test func `what is removed of the base is no file of the tree, and contents belong to their owner`() throws
  {
    defer { directory.remove() }
    var contents = FileTree()
    contents.put(.file(Array("new".utf8), mode: 0o644), at: "e/deep")
    contents.root.mode = 0o775
    let tree = try tree(
      without: ["e/deep", "d/other"], adding: contents, owner: TarOwner(uid: 7, gid: 4_000_000_000))
    #expect(
      try changes(of: tree) == ["./": "", "./e/": "", "./e/deep": "new", "./d/": "", "gone: d/other": ""])
    let members = ChangedLayer(tree, rules: PermissionRules([]), excluding: []).packedMembers
    #expect(
      members.filter { $0.name != Array("./d/".utf8) }.allSatisfy {
        ($0.owner.uid, $0.owner.gid) == (7, 4_000_000_000)
      })
    #expect(members.first?.mode == 0o775)
  }

  // MARK: Coming back

  @Test func `a tree that was not changed is an empty layer`() throws {
    defer { directory.remove() }
    var tree = try tree()
    try tree.apply(returned([.init("./", type: "5"), Self.directory("./d/")]))
    #expect(try changes(of: tree) == ["./": ""])
  }

  private static func directory(_ name: String) -> TarBytes.Member {
    var member = TarBytes.Member(name, type: "5")
    member.mode = 0o644
    return member
  }

  @Test func `changed files, links, removed and emptied directories, in several turns`() throws {
    defer { directory.remove() }
    var tree = try tree()
    try tree.apply(
      returned([
        Self.directory("./d/"), .init("./d/file", text: "changed"),
        .init("./d/other", type: "1", link: "./d/file"), Self.directory("./e/"),
        .init("./e/.wh..wh..opq"), .init("./e/new", text: "new"), .init("./.wh.upper"),
      ]))
    #expect(tree.isDirectory(Array("e/deep".utf8)) == nil)
    try tree.apply(returned([.init("./e/new", text: "newer"), .init("./.wh.replaced")]))
    #expect(
      try changes(of: tree) == [
        "./": "", "./d/": "", "./d/file": "changed", "./d/other": "changed", "./e/": "", "./e/new": "newer",
        "gone: e/deep": "", "gone: upper": "", "gone: replaced": "",
      ])
    // And so it goes into another machine.
    let again = try listed(tree.members())
    #expect(again["./d/other"] == "./d/file" && again["./e/new"] == "newer" && again["./replaced"] == nil)
  }

  @Test func `of a directory its owner, mode and attributes count, of a file that it came back`() throws {
    defer { directory.remove() }
    var tree = try tree()
    var other = Self.directory("./e/")
    other.mode = 0o700
    try tree.apply(
      returned([
        Self.directory("./d/"), .init("./d/file", text: "old"), other,
        TarBytes.pax([("SCHILY.xattr.user.x", "y")]), Self.directory("./e/deep/"),
      ]))
    #expect(
      try changes(of: tree) == ["./": "", "./d/": "", "./d/file": "old", "./e/": "", "./e/deep/": ""])
    #expect(try changes(of: tree, excluding: ["d", "e/deep"]) == ["./": "", "./e/": ""])
  }

  @Test func `what was made to mount something on goes when nothing was put there`() throws {
    defer { directory.remove() }
    var tree = try tree()
    let made = tree.makeDirectories(["/proc", "/nix/store", "/d/file/x", "/out/x"].map { Array($0.utf8) })
    #expect(made.map(\.bytes).map { String(decoding: $0, as: UTF8.self) } == ["proc", "nix", "nix/store"])
    #expect(try listed(tree.members()).keys.contains("./nix/store/"))
    var other = tree
    tree.removeEmptyDirectories(made.reversed())
    #expect(try changes(of: tree) == ["./": ""])
    try other.apply(returned([.init("./nix/kept", text: "x")]))
    other.removeEmptyDirectories(made.reversed())
    #expect(try changes(of: other) == ["./": "", "./nix/": "", "./nix/kept": "x"])
  }

  @Test(arguments: [
    TarBytes.Member("../escaped", text: "x"), .init("./d/../../escaped", text: "x"),
    .init("link", type: "1", link: "d/file"), .init("link", type: "1", link: "../outside"),
    .init("link", type: "1", link: "d"), .init("d/.wh..."), .init("./", text: "x"), .init("x", type: "Z"),
    .init("x", [], type: "0", sizeField: Array("77777777777".utf8)),
  ])
  func `a tar that no guest of ours makes is refused`(_ member: TarBytes.Member) throws {
    defer { directory.remove() }
    var tree = try tree()
    let tar = try returned([member])
    #expect(throws: (any Error).self) { try tree.apply(tar) }
  }

  // MARK: Trees on disk

  @Test func `a tree on disk goes in with its hard links, and its files live as long as the layer`() throws {
    defer { directory.remove() }
    var contents = FileTree()
    contents.put(.file(Array("text".utf8), mode: 0o4755), at: "d/file")
    contents.put(.link(target: Array("d".utf8), source: nil), at: "link")
    var scratch: ScratchTree? = try ScratchTree(contents, in: FilePath(directory.path))
    let root = try #require(scratch?.root.string)
    try FileManager.default.linkItem(atPath: root + "/d/file", toPath: root + "/d/second")
    var tree: GuestTree? = try GuestTree(#require(scratch))
    scratch = nil
    #expect(
      try listed(#require(tree).members()) == [
        "./": "", "./d/": "", "./d/file": "text", "./d/second": "./d/file", "./link": "d",
      ])
    try tree?.apply(returned([.init("./d/.wh.second"), .init("./new", text: "new")]))
    let layer = GuestLayer(try #require(tree), rules: PermissionRules([]))
    tree = nil
    #expect(
      try listed(layer.members()) == [
        "./": "", "./d/": "", "./d/file": "text", "./link": "d", "./new": "new",
      ])
  }
}

extension ChangedLayer {
  /// The headers of its members.
  fileprivate var packedMembers: [TarHeader] {
    var headers: [TarHeader] = []
    guard let members = try? members() else { return [] }
    while let input = try? members.next() { headers.append(input.header) }
    return headers
  }
}
