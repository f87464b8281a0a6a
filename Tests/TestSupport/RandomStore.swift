import Foundation
import Glibc

/// A directory that looks like a Nix store, with paths full of odd things.
public struct RandomStore {
  /// The store's directory.
  public let directory: String
  /// Its paths, some directories, some single files or links.
  public private(set) var paths: [String] = []
  private var generator: SeededGenerator

  private static let names: [[UInt8]] =
    [
      "a", "a-b", "a.b", "b", "bin", "lib", "A", "z", "é", "e\u{301}", "\u{d7ff}", "\u{e000}", "\u{ffff}",
      "😀", "日本語",
      "with blank", "it's", "\"quoted\"", "new\nline", "back\\slash", "-leading", ".wh.gone", ".hidden",
      "tail~",
    ].map { Array($0.utf8) } + [
      [0x80], [0xff, 0xfe], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0x61, 0xc3], [0xf0, 0x9f, 0x98],
      Array(repeating: 0x6e, count: 99), Array(repeating: 0x6e, count: 100),
      Array(repeating: 0x6d, count: 255),
    ]

  /// Creates `count` paths below `directory`.
  public init(at directory: String, count: Int, seed: UInt64) throws {
    self.directory = directory
    generator = SeededGenerator(seed: seed)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for index in 0..<count {
      let digits = String(index)
      let path = "\(directory)/\(String(repeating: "0", count: 32 - digits.count))\(digits)-p\(index)"
      paths.append(path)
      try makeNode(Array(path.utf8), depth: 0, isDirectory: !generator.once(in: 6))
    }
  }

  private mutating func makeNode(_ path: [UInt8], depth: Int, isDirectory: Bool) throws {
    if !isDirectory { return try makeLeaf(path) }
    try call("mkdir", path) { mkdir($0, 0o755) }
    var used: Set<[UInt8]> = []
    for _ in 0..<generator.number(in: depth == 0 ? 2...8 : 0...5) {
      let name = generator.pick(Self.names)
      guard used.insert(name).inserted else { continue }
      try makeNode(path + [0x2f] + name, depth: depth + 1, isDirectory: depth < 4 && generator.once(in: 3))
    }
    let mode = mode_t(generator.pick([0o555, 0o755, 0o700, 0o1777]))
    try call("chmod", path) { chmod($0, mode) }
  }

  private mutating func makeLeaf(_ path: [UInt8]) throws {
    switch generator.number(in: 0...11) {
    case 0:
      try link(
        path, to: generator.pick(["a", "/nix/store/x", "../up", String(repeating: "t", count: 101), "é"]))
    case 1: try call("mkfifo", path) { mkfifo($0, 0o644) }
    case 2 where getuid() == 0: try call("mknod", path) { mknod($0, S_IFCHR | 0o600, 0x10305) }
    case 3 where !files.isEmpty:
      let other = generator.pick(files)
      try call("link", path) { target in Self.withCString(other) { Glibc.link($0, target) } }
    default: try file(path)
    }
  }

  private var files: [[UInt8]] = []

  private mutating func file(_ path: [UInt8]) throws {
    let size = generator.pick([0, 1, 511, 512, 513, 4096, 10_000, 300_000])
    let bytes = pattern(size, seed: generator.next())
    let descriptor = Self.withCString(path) { open($0, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o644) }
    guard descriptor >= 0 else { throw TestSupportError.failed(command: "open", status: errno, errors: "") }
    defer { close(descriptor) }
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    fchmod(descriptor, mode_t(generator.pick([0o444, 0o555, 0o644, 0o4755, 0o600])))
    files.append(path)
  }

  private func link(_ path: [UInt8], to target: String) throws {
    try call("symlink", path) { name in target.withCString { symlink($0, name) } }
  }

  private func call(_ name: String, _ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Int32) throws {
    guard Self.withCString(path, body) == 0 else {
      throw TestSupportError.failed(
        command: name, status: errno, errors: String(decoding: path, as: UTF8.self))
    }
  }

  private static func withCString<Result>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result
  {
    (path.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
      body($0.baseAddress.unsafelyUnwrapped)
    }
  }
}
