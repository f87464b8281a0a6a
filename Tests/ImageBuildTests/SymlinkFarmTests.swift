import Foundation
@testable import ImageBuild
import TestSupport
import Testing

/// The farm beside a slow and obvious one in Python, which also looks for files that got lost.
@Suite struct SymlinkFarmTests {
  /// Prints the tree, conflicts (`C`) and what is neither in the tree nor named (`U`); names are in hexadecimal digits.
  private static let reference = #"""
    import os, sys
    store, items = os.fsencode(sys.argv[1]), [os.fsencode(a) for a in sys.argv[2:]]
    vcs = {b"BitKeeper", b"RCS", b"SCCS", b"CVS", b"CVS.adm", b".svn"}
    conflicts = set()
    class Refused(Exception): pass
    def inside(path):
        real = os.path.realpath(path)
        return real if os.path.exists(path) and real.startswith(store + b"/") else None
    def behind(path, opened=()):
        real = inside(path)
        if not (real and os.path.isdir(real)): return None
        if real in opened: raise Refused
        return real
    def same(a, b):
        a, b = inside(a), inside(b)
        if not (a and b and os.path.isfile(a) and os.path.isfile(b)): return False
        if (os.stat(a).st_mode ^ os.stat(b).st_mode) & 0o111: return False
        return open(a, "rb").read() == open(b, "rb").read()
    def names(path):
        for name in sorted(os.listdir(path)):
            full = path + b"/" + name
            real = os.path.isdir(full) and not os.path.islink(full)
            if not name.endswith(b"~") and not (real and name in vcs): yield name, full, real
    def text(path): return os.readlink(path) if os.path.islink(path) else path
    def join(a, b): return a + b"/" + b if a else b
    def merge(source, node, at, opened=()):
        for name, path, isdir in names(source):
            known, here = node.get(name), join(at, name)
            if isdir:
                if isinstance(known, tuple):
                    target = behind(known[1], opened)
                    if not target: raise Refused
                    known = {}
                    merge(target, known, here, opened + (target,))
                node[name] = known = {} if known is None else known
                merge(path, known, here, opened)
            elif known is None: node[name] = (text(path), path)
            elif isinstance(known, dict):
                target = behind(path, opened)
                if not target: raise Refused
                merge(target, known, here, opened + (target,))
            elif known[0] != text(path) and not same(known[1], path): conflicts.add(here)
    def lost(source, node, at):
        for name, path, isdir in names(source):
            found, here = node.get(name), join(at, name)
            if here in conflicts: continue
            if isdir or (isinstance(found, dict) and behind(path)):
                if isinstance(found, dict): yield from lost(path if isdir else behind(path), found, here)
                else: yield here
            elif not isinstance(found, tuple) or (found[0] != text(path) and not same(found[1], path)): yield here
    def show(node, at):
        for name in node:
            here = join(at, name)
            if isinstance(node[name], dict):
                print("D", here.hex()); show(node[name], here)
            else: print("L", here.hex(), node[name][0].hex())
    tree = {}
    try:
        for item in items: merge(item, tree, b"")
        show(tree, b"")
        for path in conflicts: print("C", path.hex())
        for item in items:
            for path in lost(item, tree, b""): print("U", path.hex())
    except Refused: print("refused")
    """#

  private static func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { (byte: UInt8) in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
  }

  /// The farm as the reference prints it.
  private static func listing(_ farm: SymlinkFarm) -> Set<String> {
    var lines = Set(farm.conflicts.map { "C \(hex($0.path.utf8))" })
    var rest: [([UInt8], FileTree.Directory)] = [([], farm.tree.root)]
    while let (path, directory) = rest.popLast() {
      for (name, node) in directory.entries {
        let here = path.isEmpty ? name : path + [0x2F] + name
        switch node {
        case .directory(let child):
          lines.insert("D \(hex(here))")
          rest.append((here, child))
        case .link(let target, _): lines.insert("L \(hex(here)) \(hex(target))")
        case .file, .copy: lines.insert("F \(hex(here))")
        }
      }
    }
    return lines
  }

  /// Items of few names, so that they get into each other's way.
  private struct Items {
    let store: String
    private(set) var paths: [String] = []
    private var generator: SeededGenerator

    init(in directory: TemporaryDirectory, seed: UInt64) throws {
      store = directory.appending("store")
      generator = SeededGenerator(seed: seed)
      for index in 0..<generator.number(in: 2...4) {
        let path = "\(store)/\(String(repeating: "0", count: 31))\(index)-p\(index)"
        paths.append(path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      }
      for path in paths { try fill(path, depth: 0) }
    }

    /// Names of files and of directories differ, but for one in sixty, since a file against a directory ends it all.
    private mutating func fill(_ directory: String, depth: Int) throws {
      let own = String(directory.dropFirst(store.count + 1).split(separator: "/")[0])
      for name in ["a", "b", "with blank", "x~", "own\(generator.number(in: 0...9))"]
      where generator.once(in: 2) {
        if depth < 3, generator.once(in: 60) {
          try makeDirectory("\(directory)/\(name)", depth: depth)
        } else {
          try makeLeaf("\(directory)/\(name)", own: own)
        }
      }
      for name in ["lib", "lib64", "é", ".svn"] where depth < 3 && generator.once(in: 2) {
        let path = "\(directory)/\(name)"
        if generator.once(in: 4) {
          try link(
            path,
            to: generator.pick([
              "lib", "lib64", "../lib", "é", ".", "..", "\(store)/\(own)/lib", generator.pick(paths),
              "\(generator.pick(paths))/lib",
            ]))
        } else {
          try makeDirectory(path, depth: depth)
        }
      }
    }

    private mutating func makeDirectory(_ path: String, depth: Int) throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      try fill(path, depth: depth + 1)
    }

    private mutating func makeLeaf(_ path: String, own: String) throws {
      if generator.once(in: 3) {
        return try link(
          path,
          to: generator.pick([
            "a", "b", "nothing", "../../../../../etc/passwd", "/etc/passwd", "\(store)/\(own)/a",
            "\(generator.pick(paths))/b",
          ]))
      }
      try Data("content \(generator.number(in: 0...1))".utf8).write(to: URL(fileURLWithPath: path))
      if generator.once(in: 4) { chmod(path, 0o755) }
    }

    private func link(_ path: String, to target: String) throws {
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    /// How many directories of `tree` are links in some item.
    func openedCount(in tree: FileTree) -> Int {
      var count = 0
      for path in paths {
        for case let name as String in FileManager.default.enumerator(atPath: path) ?? .init() {
          guard (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/\(name)")) != nil,
            case .directory? = tree[Array(name.utf8)]
          else { continue }
          count += 1
        }
      }
      return count
    }
  }

  @Test func `random items are joined as the reference joins them, and nothing gets lost`() async throws {
    var start = SystemRandomNumberGenerator()
    let seed = start.next() >> 16
    print("SymlinkFarmTests: seed \(seed)")
    var joined = 0
    var conflicts = 0
    var opened = 0
    for offset in 0..<100 as Range<UInt64> where joined < 15 || conflicts == 0 || opened == 0 {
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      let items = try Items(in: directory, seed: seed &+ offset)
      let output = try await Program.check("python3", ["-c", Self.reference, items.store] + items.paths)
      let expected = Set(output.text.split(separator: "\n").map(String.init))
      #expect(!expected.contains { $0.hasPrefix("U") }, "the reference itself, seed \(seed &+ offset)")
      var farm = SymlinkFarm(storeDirectory: items.store)
      var isRefused = false
      do {
        for path in items.paths { try farm.add(path) }
      } catch let error as ContentsError {
        isRefused = true
        #expect("\(error)".contains(items.store), "seed \(seed &+ offset): \(error)")
      }
      let found = isRefused ? ["refused"] : Self.listing(farm)
      let different = found.symmetricDifference(expected).sorted().prefix(10)
      #expect(different.isEmpty, "seed \(seed &+ offset)")
      if isRefused { continue }
      joined += 1
      conflicts += farm.conflicts.count
      opened += items.openedCount(in: farm.tree)
    }
    #expect(joined >= 10, "seed \(seed)")
    #expect(conflicts >= 1, "seed \(seed)")
    #expect(opened >= 1, "seed \(seed)")
    print("SymlinkFarmTests: \(joined) joined, \(conflicts) conflicts, \(opened) links opened")
  }

  /// A store of a few paths, perhaps below a directory as a private store is.
  private func store(_ files: [String: String], links: [String: String] = [:]) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    for (path, text) in files { try directory.write(text, to: "nix/store/\(path)") }
    for (path, target) in links {
      let path = directory.appending("nix/store/\(path)")
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }
    return directory
  }

  private func target(_ farm: SymlinkFarm, _ path: String) -> String? {
    guard case .link(let target, _)? = farm.tree[Array(path.utf8)] else { return nil }
    return String(decoding: target, as: UTF8.self)
  }

  @Test func `links into a private store are followed there, and named as the image knows them`() throws {
    let root = try store(
      ["b/lib/own": "", "c/lib/far": ""],
      links: ["a/lib": "/nix/store/link/lib", "link": "/nix/store/c"])
    defer { root.remove() }
    var farm = SymlinkFarm(storeDirectory: "/nix/store", root: root.path)
    for name in ["a", "b"] { try farm.add("/nix/store/\(name)") }
    #expect(target(farm, "lib/own") == "/nix/store/b/lib/own")
    #expect(target(farm, "lib/far") == "/nix/store/c/lib/far")
    #expect(farm.conflicts.isEmpty)
  }

  /// `sub` leads out of the store, so that `lib` does, too, though its own text stays inside.
  @Test func `a link that leaves the store half-way is not opened`() throws {
    let outside = try TemporaryDirectory()
    defer { outside.remove() }
    try outside.write("secret", to: "lib/secret")
    let root = try store(["b/lib/own": ""], links: ["a/lib": "sub/lib", "a/sub": outside.path])
    defer { root.remove() }
    var farm = SymlinkFarm(storeDirectory: "/nix/store", root: root.path)
    try farm.add("/nix/store/a")
    #expect(
      throws: ContentsError.link(path: "lib", link: "/nix/store/a/lib", directory: "/nix/store/b")
    ) { try farm.add("/nix/store/b") }
  }

  @Test func `a link to the whole store is not opened`() throws {
    let root = try store(["b/lib/own": ""], links: ["a/lib": ".."])
    defer { root.remove() }
    var farm = SymlinkFarm(storeDirectory: "/nix/store", root: root.path)
    try farm.add("/nix/store/b")
    #expect(throws: ContentsError.kinds(path: "lib", directory: "/nix/store/b", other: "/nix/store/a/lib")) {
      try farm.add("/nix/store/a")
    }
  }

  /// Of both, `x` has to be opened inside itself for ever.
  @Test func `links that go round in circles through several items are refused`() throws {
    let root = try store(
      ["a/x/x/x/own": "", "b/x/y": ""], links: ["c/x": "../c", "d/x": "../e", "e/x": "../d"])
    defer { root.remove() }
    for items in [["a", "c"], ["a", "b", "d", "e"]] {
      var farm = SymlinkFarm(storeDirectory: "/nix/store", root: root.path)
      var message = ""
      do { for item in items { try farm.add("/nix/store/\(item)") } } catch { message = "\(error)" }
      #expect(message.contains("without end"))
    }
  }

  @Test func `an item that is a link has its own name in the image, and a file is refused`() throws {
    let root = try store(["real/bin/x": "", "file": "text"], links: ["link": "/nix/store/real"])
    defer { root.remove() }
    var farm = SymlinkFarm(storeDirectory: "/nix/store", root: root.path)
    try farm.add("/nix/store/link")
    #expect(target(farm, "bin/x") == "/nix/store/link/bin/x")
    #expect(throws: ContentsError.notADirectory("/nix/store/file")) { try farm.add("/nix/store/file") }
  }

  @Test func `a file against a directory is refused with the names of both`() throws {
    let root = try store(["a/x": "", "b/x/y": ""])
    defer { root.remove() }
    var farm = SymlinkFarm(storeDirectory: "/nix/store", root: root.path)
    try farm.add("/nix/store/b")
    #expect(throws: ContentsError.kinds(path: "x", directory: "/nix/store/b", other: "/nix/store/a/x")) {
      try farm.add("/nix/store/a")
    }
  }

  @Test func `names that are no text keep their bytes`() throws {
    let root = try store(["a/x": ""])
    defer { root.remove() }
    let name: [CChar] = [UInt8]([0x64, 0xFF, 0]).map { CChar(bitPattern: $0) }
    let path = root.appending("nix/store/a/").utf8CString.dropLast() + name
    #expect(path.withUnsafeBufferPointer { mkdir($0.baseAddress.unsafelyUnwrapped, 0o755) } == 0)
    let inner = path.dropLast() + "/f".utf8CString
    let file = inner.withUnsafeBufferPointer {
      open($0.baseAddress.unsafelyUnwrapped, O_CREAT | O_WRONLY, 0o644)
    }
    try #require(file >= 0)
    close(file)
    var farm = SymlinkFarm(storeDirectory: "/nix/store", root: root.path)
    try farm.add("/nix/store/a")
    guard case .link(let target, _)? = farm.tree[[0x64, 0xFF, 0x2F, 0x66]] else {
      Issue.record("the link is not there")
      return
    }
    #expect(target == Array("/nix/store/a/d".utf8) + [0xFF] + Array("/f".utf8))
  }
}
