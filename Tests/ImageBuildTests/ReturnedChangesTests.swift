import ArchiveIO
import Foundation
import ImageArchive
import ImageBuild
import SystemPackage
import TestSupport
import Testing

/// What comes back of a tree that was changed elsewhere.
@Suite struct ReturnedChangesTests {
  private static let copied = PAXRecord(key: Array("cooper.copied".utf8), value: Array("y".utf8))
  private let directory: TemporaryDirectory
  private let scratch: ScratchTree
  /// What must stay as it is.
  private let outside: String

  init() throws {
    directory = try TemporaryDirectory()
    outside = directory.appending("outside")
    try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
    try Data("precious".utf8).write(to: URL(fileURLWithPath: outside + "/file"))
    scratch = try ScratchTree(FileTree(), in: FilePath(directory.path))
    try make("d/file", "old")
    try FileManager.default.createSymbolicLink(atPath: root + "/out", withDestinationPath: outside)
    try FileManager.default.linkItem(atPath: root + "/d/file", toPath: root + "/d/other")
  }

  private var root: String { scratch.root.string }

  private func make(_ name: String, _ text: String) throws {
    let file = URL(fileURLWithPath: "\(root)/\(name)")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  @discardableResult
  private func apply(_ members: [TarBytes.Member], _ ownership: Ownership = Ownership()) throws -> Ownership {
    try ReturnedChanges.apply(
      BufferedSource(ArraySource(TarBytes.archive(members))), to: scratch, ownership: ownership,
      copied: Self.copied)
  }

  /// The members of the whole tree as they are described now.
  private func described(_ ownership: Ownership, _ tree: ScratchTree? = nil) throws -> [String: TarHeader] {
    let members = try ScratchMembers((tree ?? scratch).root, ownership: ownership)
    var headers: [String: TarHeader] = [:]
    while let input = try members.next() {
      // The tars of layers have none.
      var header = input.header
      header.modificationNanoseconds = 0
      headers[String(decoding: header.name, as: UTF8.self)] = header
    }
    return headers
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(root)/\(name)", encoding: .utf8)
  }

  @Test(arguments: [
    TarBytes.Member("../escaped", text: "x"), .init("./d/../../escaped", text: "x"),
    .init("out/file", text: "x"), .init("out/new", text: "x"), .init("./out/.wh.file"),
    .init("out/.wh..wh..opq"), .init("./out/", type: "5"),
    .init("link", type: "1", link: "out/file"), .init("link", type: "1", link: "../outside/file"),
    .init("link", type: "1", link: "d"), .init("d/.wh..."), .init("d/file/below", text: "x"),
    .init("./", text: "x"), .init("none/file", text: "x"), .init("x", type: "Z"),
  ])
  func `what leads out of the tree is refused, or stays inside`(_ member: TarBytes.Member) throws {
    defer { directory.remove() }
    if member.name == Array("./out/".utf8) {
      // The link goes, and where it led to stays.
      try apply([member])
      #expect(
        try FileManager.default.attributesOfItem(atPath: root + "/out")[.type] as? FileAttributeType
          == .typeDirectory)
    } else {
      #expect(throws: (any Error).self) { try apply([member]) }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == ["file"])
    #expect(try String(contentsOfFile: outside + "/file", encoding: .utf8) == "precious")
    #expect(!directory.contains("escaped"))
  }

  @Test func `an ordinary user gets files, and is told what they are`() throws {
    defer { directory.remove() }
    var device = TarBytes.Member("null", type: "3")
    device.mode = 0o666
    var program = TarBytes.Member("program", text: "#!/bin/sh")
    program.mode = 0o4755
    program.userField = Array("37777777\u{0}".utf8.prefix(8))
    let ownership = try apply([
      device, program, .init("pipe", type: "6"), .init("link", type: "2", link: "d/file"),
    ])
    let found = try described(ownership)
    #expect(found["./null"]?.type == .characterDevice)
    #expect(found["./program"].map { [Int64($0.mode), $0.owner.uid] } == [0o4755, 0o37777777])
    #expect(found["./pipe"]?.type == .fifo)
    #expect(found["./link"]?.linkName == Array("d/file".utf8))
    let mode = try FileManager.default.attributesOfItem(atPath: root + "/program")[.posixPermissions] as? Int
    #expect(mode == 0o755)
  }

  @Test func `a file that was changed changes under all of its names, a new one under its own`() throws {
    defer { directory.remove() }
    try apply([TarBytes.pax([("SCHILY.xattr.cooper.copied", "y")]), .init("d/file", text: "changed")])
    #expect(try text("d/file") == "changed")
    #expect(try text("d/other") == "changed")
    let ownership = try apply([.init("d/file", text: "new")])
    #expect(try text("d/file") == "new")
    #expect(try text("d/other") == "changed")
    #expect(try described(ownership).values.allSatisfy { $0.extendedAttributes.isEmpty })
  }

  @Test func `whiteouts remove, and a directory without what it had starts empty`() throws {
    defer { directory.remove() }
    try make("e/deep/file", "old")
    try make("f/file", "old")
    try apply([
      .init("d/", type: "5"), .init("d/.wh.other"), .init("e/", type: "5"), .init("e/.wh..wh..opq"),
      .init("e/new", text: "new"), .init(".wh.f"), .init("f", type: "1", link: "e/new"),
    ])
    #expect(
      try FileManager.default.subpathsOfDirectory(atPath: root).sorted() == [
        "d", "d/file", "e", "e/new", "f", "out",
      ])
    #expect(try text("f") == "new")
  }

  @Test func `the whole tree goes out with its hard links, and comes back the same`() throws {
    defer { directory.remove() }
    try make("d/big", String(repeating: "x", count: 3 << 20))
    let before = try described(Ownership())
    #expect(before.values.filter { $0.type == .hardLink }.count == 1)
    let tar = TarStream(try ScratchMembers(scratch.root, ownership: Ownership()), .gnu(numericOwner: true))
    let other = try ScratchTree(FileTree(), in: FilePath(directory.path))
    let ownership = try ReturnedChanges.apply(
      BufferedSource(tar), to: other, ownership: Ownership(), copied: Self.copied)
    #expect(try described(ownership, other) == before)
  }
}
