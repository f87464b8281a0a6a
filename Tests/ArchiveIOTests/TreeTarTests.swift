@testable import ArchiveIO
import Foundation
import Hashing
import SystemPackage
import TestSupport
import Testing

/// A tree walked and written in GNU tar's dialect, against the vector of nix-dockertools.md, section 15.3, and GNU tar itself.
@Suite struct TreeTarTests {
  /// Every member below `root` as `./NAME`, hard links as files of their own.
  private final class Members: TarMembers {
    let walk: TreeWalk
    let time: Int64

    init(_ root: String, time: Int64) throws {
      walk = try TreeWalk(FilePath(root + "/."), order: .bytes)
      self.time = time
    }

    func next() throws -> TarInput? {
      guard let entry = try walk.next(), let type = entry.status.type else { return nil }
      let slash: [UInt8] = type == .directory ? [0x2f] : []
      let name = entry.path.isEmpty ? Array("./".utf8) : Array("./".utf8) + entry.path + slash
      var header = TarHeader(name: name, type: type, mode: entry.status.mode, linkName: entry.linkTarget)
      header.owner = TarOwner(uid: Int64(entry.status.uid), gid: Int64(entry.status.gid))
      header.modificationTime = time
      header.device = entry.status.device
      guard type == .regular, entry.status.byteCount > 0 else { return TarInput(header: header) }
      header.byteCount = entry.status.byteCount
      return TarInput(header: header, content: .file(try entry.open()))
    }
  }

  private static func tar(_ root: String, time: Int64) throws -> [UInt8] {
    let source = TarStream(try Members(root, time: time), .gnu(numericOwner: true))
    var bytes: [UInt8] = []
    // An odd size, so that every kind of member is cut somewhere.
    var piece = [UInt8](repeating: 0, count: 1009)
    while true {
      let count = try piece.withUnsafeMutableBytes { try source.read(into: $0) }
      if count == 0 { break }
      bytes += piece.prefix(count)
    }
    #expect(Int64(bytes.count) == (try Members(root, time: time).byteCount(.gnu(numericOwner: true))))
    return bytes
  }

  @Test func `the published vector`() throws {
    let root = try TemporaryDirectory()
    let files = FileManager.default
    for name in ["bin", "etc"] {
      try files.createDirectory(atPath: root.appending(name), withIntermediateDirectories: true)
    }
    try Data("hi\n".utf8).write(to: URL(fileURLWithPath: root.appending("etc/a")))
    try files.createSymbolicLink(atPath: root.appending("bin/a"), withDestinationPath: "../etc/a")
    try files.linkItem(atPath: root.appending("etc/a"), toPath: root.appending("etc/hard"))
    let long = "etc/" + String(repeating: "n", count: 120)
    try Data().write(to: URL(fileURLWithPath: root.appending(long)))
    for name in [".", "bin", "etc"] {
      try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: root.appending(name))
    }
    for name in ["etc/a", long] {
      try files.setAttributes([.posixPermissions: 0o644], ofItemAtPath: root.appending(name))
    }
    let bytes = try Self.tar(root.path, time: 315_532_800)
    #expect(bytes.count == 10240)
    #expect(Digest(of: bytes).hex == "380d996087c2c71de5a55dfcbdf76d39e3bcf5f3b5b1b52097f95d62bd31ebfc")
  }

  @Test(arguments: [UInt64](1...6).map { $0 &+ UInt64(getpid()) &* 1000 })
  func `random trees are packed as GNU tar packs them`(seed: UInt64) async throws {
    let root = try TemporaryDirectory()
    _ = try RandomStore(at: root.appending("store"), count: 6, seed: seed)
    let expected = try await Program.check(
      "tar",
      [
        "--sort=name", "--numeric-owner", "--mtime=@315532800", "--hard-dereference", "-C",
        root.appending("store"), "-cf", "-", ".",
      ])
    let bytes = try Self.tar(root.appending("store"), time: 315_532_800)
    #expect((bytes == expected.output) as Bool, "seed \(seed)")
  }
}
