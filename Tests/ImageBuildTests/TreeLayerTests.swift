import ArchiveIO
import Foundation
import Hashing
import ImageArchive
@testable import ImageBuild
import SystemPackage
import TestSupport
import Testing

/// Layers of trees beside what GNU tar makes of the same files.
@Suite struct TreeLayerTests {
  private func bytes(_ layer: some LayerRecipe) throws -> [UInt8] {
    let source = try layer.open()
    var bytes = [UInt8](repeating: 0, count: Int(try layer.byteCount()) + 1)
    let count = try bytes.withUnsafeMutableBytes { try source.readFully(into: $0) }
    return Array(bytes.prefix(count))
  }

  /// What stdenv's `tar` writes for a customisation layer (nix-dockertools.md, section 2.6).
  private func packed(_ directory: String, _ more: [String]) async throws -> [UInt8] {
    try await Program.check(
      "tar", ["-C", directory, "--sort=name", "--hard-dereference", "-cf", "-"] + more + ["."],
      environment: ["LC_ALL": "C", "TZ": "UTC"]
    ).output
  }

  private static let customisation = ["--numeric-owner", "--owner=0", "--group=0", "--mtime=@315532800"]

  private func vectorTree() -> FileTree {
    var tree = FileTree()
    tree.put(.link(target: Array("../etc/a".utf8), source: nil), at: "bin/a")
    for name in ["a", "hard"] { tree.put(.file(Array("hi\n".utf8), mode: 0o644), at: "etc/\(name)") }
    tree.put(.file([], mode: 0o644), at: "etc/" + String(repeating: "n", count: 120))
    return tree
  }

  /// nix-dockertools.md, section 15.3.
  @Test func `the vector of a customisation layer, from memory and from disk`() throws {
    let expected = "380d996087c2c71de5a55dfcbdf76d39e3bcf5f3b5b1b52097f95d62bd31ebfc"
    let memory = try TreeLayer(vectorTree()).measure()
    #expect(memory.byteCount == 10240)
    #expect(memory.diffID.hex == expected)
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let scratch = try ScratchTree(vectorTree(), in: FilePath(directory.path))
    #expect(try ScratchLayer(scratch, ownership: Ownership()).measure().diffID.hex == expected)
  }

  /// A tree of odd names, long links and all kinds of modes.
  private struct RandomTree {
    var tree = FileTree()
    private var generator: SeededGenerator
    private static let names: [[UInt8]] =
      [
        "a", "a-b", "a.b", "B", "é", "new\nline", String(repeating: "n", count: 100),
        String(repeating: "m", count: 200),
      ]
      .map { Array($0.utf8) } + [[0xFF, 0x61], [0x61, 0xC3]]

    init(seed: UInt64) {
      generator = SeededGenerator(seed: seed)
      tree.root = directory(depth: 0)
      tree.root.mode = 0o755
    }

    private mutating func directory(depth: Int) -> FileTree.Directory {
      var directory = FileTree.Directory()
      directory.mode = generator.pick([0o755, 0o555, 0o700, 0o1777, 0o2755])
      for name in Self.names where generator.once(in: 2) { directory.entries[name] = node(depth: depth) }
      return directory
    }

    private mutating func node(depth: Int) -> FileTree.Node {
      switch generator.number(in: 0...5) {
      case 0...1 where depth < 3: return .directory(directory(depth: depth + 1))
      case 2:
        let target = Array(repeating: UInt8(ascii: "t"), count: generator.pick([1, 99, 100, 101, 300]))
        return .link(target: target, source: nil)
      default:
        let content = pattern(generator.pick([0, 1, 511, 512, 513, 9000]), seed: generator.next())
        return .file(content, mode: generator.pick([0o644, 0o4755, 0o600, 0o444]))
      }
    }
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func `a tree in memory and on disk is what GNU tar makes of it`(seed: UInt64)
    async throws
  {
    let tree = RandomTree(seed: seed).tree
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let scratch = try ScratchTree(tree, in: FilePath(directory.path))
    let expected = try await packed(scratch.root.string, Self.customisation)
    #expect((try bytes(TreeLayer(tree)) == expected) as Bool)
    #expect((try bytes(ScratchLayer(scratch, ownership: Ownership())) == expected) as Bool)
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `a plain directory is what GNU tar makes of it`(seed: UInt64) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let store = try RandomStore(at: directory.appending("files"), count: 6, seed: seed)
    chmod(store.directory, 0o755)
    var owner = TarOwner(uid: 1000, gid: 100, userName: "alice", groupName: "users")
    let names = ["--owner=alice:1000", "--group=users:100", "--mtime=@1"]
    let named = DirectoryLayer(FilePath(store.directory), owner: owner, modificationTime: 1)
    #expect((try await bytes(named) == packed(store.directory, names)) as Bool)
    owner.uid = 3_000_000
    let big = DirectoryLayer(FilePath(store.directory), owner: owner, modificationTime: 1)
    #expect(
      (try await bytes(big)
        == packed(store.directory, ["--owner=alice:3000000", "--group=users:100", "--mtime=@1"])) as Bool)
  }

  @Test func `a plain directory with a socket is refused by its name, and its own mode does not matter`()
    throws
  {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try directory.write("x", to: "files/a")
    let layer = DirectoryLayer(FilePath(directory.appending("files")), owner: TarOwner(), modificationTime: 1)
    chmod(directory.appending("files"), 0o700)
    let closed = try bytes(layer)
    chmod(directory.appending("files"), 0o775)
    #expect(try bytes(layer) == closed)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = directory.appending("files/socket")
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(status == 0)
    #expect(throws: LayeredImageError.socket(directory.appending("files/./socket"))) { try bytes(layer) }
  }

  /// Cases 43 and 57 of nix-dockertools.md, section 17.1, and what else fakeroot can pretend.
  @Test func `what fakeroot remembers is what tar sees inside of it`() async throws {
    try Program.require("fakeroot", package: "fakeroot")
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let scratch = try ScratchTree(vectorTree(), in: FilePath(directory.path))
    let commands = """
      mkdir -p home/alice dev; chown 1000 home/alice; chown 12345:12345 etc/a; chmod 4711 etc/hard; chmod 000 bin
      mknod dev/null c 1 3; mknod dev/disk b 259 70000; mkfifo dev/pipe; chown -h 5:6 bin/a; ln etc/a etc/b; ln -s x etc/l
      chown 3000000 dev/pipe; cp -a etc/hard etc/copy; rm etc/hard; mkdir closed; chmod 0500 closed
      """
    let tar = "tar --sort=name --hard-dereference --numeric-owner --mtime=@315532800 -cf - ."
    let state = directory.appending("state")
    let expected = try await Program.check(
      "fakeroot", ["-s", state, "--", "bash", "-e", "-c", "umask 022; \(commands)\n\(tar)"],
      workingDirectory: scratch.root.string
    ).output
    let ownership = try Ownership(fakerootState: String(contentsOfFile: state, encoding: .utf8))
    #expect((try bytes(ScratchLayer(scratch, ownership: ownership)) == expected) as Bool)
  }

  @Test func `a scratch tree goes with its last use, closed directories and odd names included`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var scratch: ScratchTree? = try ScratchTree(RandomTree(seed: 3).tree, in: FilePath(directory.path))
    try #require(scratch?.root != nil)
    #expect(try directory.names().count == 1)
    scratch = nil
    #expect(try directory.names().isEmpty)
  }
}

extension Ownership {
  /// What `fakeroot -s` saved: lines `dev=HEX,ino=DECIMAL,mode=OCTAL,uid=…,gid=…,nlink=…,rdev=DECIMAL`.
  fileprivate init(fakerootState text: String) throws {
    self.init()
    for line in text.split(separator: "\n") {
      let fields = Dictionary(
        uniqueKeysWithValues: line.split(separator: ",").map { field in
          let parts = field.split(separator: "=", maxSplits: 1)
          return (parts[0], parts[1])
        })
      func number(_ name: Substring, radix: Int = 10) throws -> UInt64 {
        try #require(fields[name].flatMap { UInt64($0, radix: radix) })
      }
      let mode = UInt32(try number("mode", radix: 8))
      self[FileIdentity(device: try number("dev", radix: 16), inode: try number("ino"))] = Entry(
        type: TarType(fileMode: mode), mode: mode & 0o7777, uid: Int64(try number("uid")),
        gid: Int64(try number("gid")), device: TarDevice(deviceNumber: try number("rdev")))
    }
  }
}
