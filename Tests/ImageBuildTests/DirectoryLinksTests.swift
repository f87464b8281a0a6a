import ArchiveIO
import Foundation
import ImageArchive
@testable import ImageBuild
import SystemPackage
import TestSupport
import Testing

@Suite struct DirectoryLinksTests {
  /// A file system of directories and links, as a base image has it.
  private func links(_ entries: [TarBytes.Member]) throws -> DirectoryLinks {
    let archive = TarBytes.archive(entries)
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let path = try directory.write(archive, to: "layer.tar")
    var view = FileSystemView()
    let file = try PlainFile(scratch: FilePath(directory.path)).open(FilePath(path))
    try view.apply(LayerChanges(FileRange(whole: file).open(), hashingContents: false), number: 0)
    return try DirectoryLinks(view)
  }

  private static let merged: [TarBytes.Member] = {
    var shared = TarBytes.Member("var/tmp/", type: "5")
    shared.mode = 0o1777
    return [
      TarBytes.Member("usr/bin/", type: "5"), TarBytes.Member("usr/lib/", type: "5"),
      TarBytes.Member("bin", type: "2", link: "usr/bin"), TarBytes.Member("sbin", type: "2", link: "/bin"),
      TarBytes.Member("usr/lib64", type: "2", link: "lib"),
      TarBytes.Member("lib64", type: "2", link: "usr/lib64"),
      shared, TarBytes.Member("tmp", type: "2", link: "../../var/tmp"),
      TarBytes.Member("loop", type: "2", link: "pool"), TarBytes.Member("pool", type: "2", link: "loop"),
      TarBytes.Member("gone", type: "2", link: "nowhere"), TarBytes.Member("all", type: "2", link: "/"),
      TarBytes.Member("etc/", type: "5"), TarBytes.Member("file", Array("x".utf8)),
      TarBytes.Member("to-file", type: "2", link: "file"),
    ]
  }()

  @Test(arguments: [
    ("bin", "usr/bin"), ("bin/a/b", "usr/bin/a/b"), ("sbin", "usr/bin"), ("lib64/x", "usr/lib/x"),
    ("usr/lib64", "usr/lib"), ("tmp", "var/tmp"), ("etc/x", "etc/x"), ("loop/x", "loop/x"),
    ("gone/x", "gone/x"), ("to-file/x", "to-file/x"), ("all/x", "all/x"), ("", ""), ("binary", "binary"),
  ])
  func `a directory is where the base's links lead`(path: String, place: String) throws {
    let found = try links(Self.merged).place(of: Array(path.utf8))
    #expect(String(decoding: found, as: UTF8.self) == place)
  }

  private func listing(_ tree: FileTree) -> [String: String] {
    var found: [String: String] = [:]
    var rest: [(String, FileTree.Directory)] = [("", tree.root)]
    while let (path, directory) = rest.popLast() {
      for (name, node) in directory.entries {
        let here = path + "/" + String(decoding: name, as: UTF8.self)
        switch node {
        case .directory(let child):
          found[here] = String(child.mode, radix: 8)
          rest.append((here, child))
        case .link(let target, _): found[here] = String(decoding: target, as: UTF8.self)
        case .file(let bytes, _): found[here] = String(decoding: bytes, as: UTF8.self)
        case .copy(let file): found[here] = file.path.string
        }
      }
    }
    return found
  }

  private func tree(_ links: [String: String]) -> FileTree {
    var tree = FileTree()
    for (path, target) in links { tree.put(.link(target: Array(target.utf8), source: nil), at: path) }
    return tree
  }

  @Test func `contents go behind the links of the base`() throws {
    let contents = tree([
      "bin/hello": "/s/bin/hello", "sbin/init": "../lib/init", "usr/bin/env": "/s/env", "bin/sub/x": "y",
      "tmp/t": "/s/t", "etc/conf": "../x",
    ])
    let placed = try contents.placed(behind: links(Self.merged))
    #expect(placed.conflicts.isEmpty)
    #expect(
      listing(placed.tree) == [
        "/usr": "755", "/usr/bin": "755", "/usr/bin/hello": "/s/bin/hello", "/usr/bin/init": "/lib/init",
        "/usr/bin/env": "/s/env", "/usr/bin/sub": "755", "/usr/bin/sub/x": "y", "/var": "755",
        "/var/tmp": "1777", "/var/tmp/t": "/s/t", "/etc": "755", "/etc/conf": "../x",
      ])
  }

  @Test func `what meets there is told, and the same twice is no conflict`() throws {
    let contents = tree(["bin/a": "/s/1", "usr/bin/a": "/s/2", "sbin/b": "/s/b", "bin/b": "/s/b"])
    let placed = try contents.placed(behind: links(Self.merged))
    #expect(placed.conflicts.map(\.path) == ["usr/bin/a"])
    #expect(listing(placed.tree)["/usr/bin/a"] == "/s/2")
    let clash = tree(["bin/a/b": "x", "usr/bin/a": "y"])
    #expect(throws: ContentsError.self) { try clash.placed(behind: links(Self.merged)) }
  }

  @Test func `a plain directory's files go there too`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try directory.write("1", to: "files/bin/one")
    try directory.write("2", to: "files/bin/sub/two")
    try directory.write("3", to: "files/etc/three")
    try FileManager.default.createSymbolicLink(
      atPath: directory.appending("files/bin/up"), withDestinationPath: "../etc/three")
    let layer = DirectoryLayer(
      FilePath(directory.appending("files")), owner: TarOwner(), modificationTime: 1,
      links: try links(Self.merged))
    var names: [String] = []
    let source = try layer.open()
    var bytes = [UInt8](repeating: 0, count: Int(try layer.byteCount()))
    #expect(try bytes.withUnsafeMutableBytes { try source.readFully(into: $0) } == bytes.count)
    let path = try directory.write(bytes, to: "layer.tar")
    let reader = TarReader(
      try FileRange(whole: PlainFile(scratch: FilePath(directory.path)).open(FilePath(path))).open())
    while let member = try reader.next() {
      let target = member.linkName.isEmpty ? "" : " " + String(decoding: member.linkName, as: UTF8.self)
      names.append(String(decoding: member.name, as: UTF8.self) + target)
    }
    #expect(
      names == [
        "./", "./usr/bin/one", "./usr/bin/sub/", "./usr/bin/sub/two", "./usr/bin/up /etc/three", "./etc/",
        "./etc/three",
      ])
  }
}
