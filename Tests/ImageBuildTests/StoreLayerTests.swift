import ArchiveIO
import Foundation
import Hashing
import ImageArchive
@testable import ImageBuild
import TestSupport
import Testing

/// The vectors of nix-dockertools.md, section 15.1, written with CPython's tarfile.
@Suite struct StoreLayerTests {
  private static let path = "/nix/store/00000000000000000000000000000000-x"

  private func layer(in root: TemporaryDirectory) throws -> StoreLayer {
    try StoreLayer(
      paths: [Self.path], storeDirectory: "/nix/store", owner: TarOwner(userName: "root", groupName: "root"),
      modificationTime: 1, root: root.path)
  }

  private func make(_ root: TemporaryDirectory, _ name: String, _ content: String? = nil, mode: Int) throws {
    let path = root.path + Self.path + (name.isEmpty ? "" : "/" + name)
    if let content {
      try Data(content.utf8).write(to: URL(fileURLWithPath: path))
    } else {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  @Test func `vector A`() throws {
    let root = try TemporaryDirectory()
    for name in ["", "bin"] { try make(root, name, mode: 0o755) }
    try make(root, "bin-c", "", mode: 0o555)
    try make(root, "bin/a", "hi\n", mode: 0o444)
    try FileManager.default.createSymbolicLink(
      atPath: root.path + Self.path + "/bin/b", withDestinationPath: "a")
    for name in ["", "bin"] { try make(root, name, mode: 0o555) }
    let facts = try layer(in: root).measure()
    #expect(facts.byteCount == 10240)
    #expect(facts.diffID.hex == "1d75dc81fb18c18fedda1d6734ccac3385ab0feb2b03c8817a38434e9c241c95")
    #expect(try layer(in: root).byteCount() == facts.byteCount)
  }

  /// Its members are not in the order of a walk, so they are given one by one.
  @Test func `vector B: long names, a name outside ASCII, a long target`() throws {
    final class Listed: TarMembers {
      var rest: [TarInput] = []
      func next() throws -> TarInput? { rest.isEmpty ? nil : rest.removeFirst() }
    }
    let members = Listed()
    func add(_ name: String, _ type: TarType, _ mode: UInt32, _ content: String = "", link: String = "") {
      var header = TarHeader(
        name: name, type: type, mode: mode, byteCount: Int64(content.utf8.count), linkName: link)
      header.owner = TarOwner(userName: "root", groupName: "root")
      header.modificationTime = 1
      members.rest.append(TarInput(header: header, content: .bytes(Array(content.utf8))))
    }
    add("/nix/", .directory, 0o755)
    add("/nix/store/", .directory, 0o755)
    add(Self.path + "/", .directory, 0o555)
    add(Self.path + "/" + String(repeating: "d", count: 60) + "/", .directory, 0o555)
    add(Self.path + "/" + String(repeating: "e", count: 46), .regular, 0o444, "x")
    add(Self.path + "/" + String(repeating: "f", count: 70), .regular, 0o444, "y")
    add(Self.path + "/\u{e9}", .regular, 0o444, "z")
    add(Self.path + "/l", .symbolicLink, 0o777, link: String(repeating: "t", count: 101))
    let source = TarStream(members, .python)
    var bytes = [UInt8](repeating: 0, count: 30000)
    let count = try bytes.withUnsafeMutableBytes { try source.readFully(into: $0) }
    #expect(count == 20480)
    #expect(
      Digest(of: bytes.prefix(count)).hex
        == "d0b096995bf9f3dbafd0fb0d50e7204d9de855c372399112965d790b46dbc80d")
  }

  @Test func `a path outside the store is refused`() {
    #expect(throws: LayeredImageError.outsideStore(path: "/etc/x", storeDirectory: "/nix/store")) {
      try StoreLayer(paths: ["/etc/x"], storeDirectory: "/nix/store", owner: TarOwner(), modificationTime: 1)
    }
  }

  @Test func `the fingerprint changes when a path is made again`() throws {
    let root = try TemporaryDirectory()
    try make(root, "", mode: 0o755)
    try make(root, "a", "one", mode: 0o444)
    let before = try layer(in: root).fingerprint()
    #expect(try before == layer(in: root).fingerprint())
    try FileManager.default.removeItem(atPath: root.path + Self.path)
    try make(root, "", mode: 0o755)
    try make(root, "a", "two", mode: 0o444)
    #expect(try before != layer(in: root).fingerprint())
  }
}
