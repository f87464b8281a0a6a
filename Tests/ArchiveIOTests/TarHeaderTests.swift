@testable import FileTrees
import SystemPackage
import TestSupport
import Testing

/// docker-archive-bytes.md, "Tar header"; read by other programs too.
@Suite struct TarHeaderTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  private func field(_ block: [UInt8], _ offset: Int, _ count: Int) -> String {
    String(decoding: block[offset..<offset + count], as: UTF8.self)
  }

  @Test func `a file's header has every field at its place`() {
    let block = TarHeader(name: "a/b.json", mode: 0o444, byteCount: 0o1234567).encoded()
    #expect(block.count == 512)
    #expect(field(block, 0, 100) == "a/b.json" + String(repeating: "\0", count: 92))
    #expect(field(block, 100, 24) == "0000444\00000000\00000000\0")
    #expect(field(block, 124, 24) == "00001234567\000000000000\0")
    #expect(field(block, 156, 1) == "0")
    #expect(block[157..<257].allSatisfy { $0 == 0 })
    #expect(field(block, 257, 8) == "ustar\000")
    #expect(block[265..<329].allSatisfy { $0 == 0 })
    #expect(field(block, 329, 16) == "0000000\00000000\0")
    #expect(block[345..<512].allSatisfy { $0 == 0 })
    var sum = 8 * 32
    for (index, byte) in block.enumerated() where !(148..<156).contains(index) { sum += Int(byte) }
    let octal = String(sum, radix: 8)
    #expect(field(block, 148, 8) == String(repeating: "0", count: 6 - octal.count) + octal + "\0 ")
  }

  @Test func `a symbolic link has a target, mode 0 and no size`() {
    let block = TarHeader(name: "id/layer.tar", type: .symbolicLink, mode: 0, linkName: "../x.tar").encoded()
    #expect(field(block, 100, 8) == "0000000\0")
    #expect(field(block, 124, 12) == "00000000000\0")
    #expect(field(block, 156, 1) == "2")
    #expect(field(block, 157, 100) == "../x.tar" + String(repeating: "\0", count: 92))
  }

  @Test func `8 GiB - 1 still fits, and 8 GiB needs the known record`() {
    let largest = TarHeader(name: "x.tar", mode: 0o444, byteCount: 8_589_934_591).encoded()
    #expect(largest.count == 512)
    #expect(field(largest, 124, 12) == "77777777777\0")
    let larger = TarHeader(name: "x.tar", mode: 0o444, byteCount: 8_589_934_592).encoded()
    #expect(larger.count == 1536)
    #expect(field(larger, 0, 19) == "PaxHeaders.0/x.tar\0")
    #expect(field(larger, 100, 48) == "0000000\00000000\00000000\000000000023\000000000000\0")
    #expect(field(larger, 156, 1) == "x")
    #expect(field(larger, 257, 8) == "ustar\000")
    #expect(larger[329..<345].allSatisfy { $0 == 0 })
    #expect(field(larger, 512, 19) == "19 size=8589934592\n")
    #expect(larger[531..<1024].allSatisfy { $0 == 0 })
    #expect(Array(larger[1024...]) == TarHeader(name: "x.tar", mode: 0o444).encoded())
  }

  @Test func `a layer with a sha512 name has records for path and link, sorted`() {
    let hex = String(repeating: "ab", count: 64)
    let file = TarHeader(name: hex + ".tar", mode: 0o444, byteCount: 5).encoded()
    #expect(file.count == 1536)
    #expect(field(file, 0, 100) == "PaxHeaders.0/" + hex.prefix(87))
    #expect(field(file, 512, 143) == "142 path=\(hex).tar\n\0")
    #expect(field(file, 1024, 108) == hex.prefix(100) + "0000444\0")
    let id = String(repeating: "cd", count: 32)
    let link = TarHeader(name: "\(id)/layer.tar", type: .symbolicLink, mode: 0, linkName: "../\(hex).tar")
      .encoded()
    #expect(field(link, 0, 88) == "\(id)/PaxHeaders.0/layer.tar\0".prefix(88))
    #expect(field(link, 512, 150) == "149 linkpath=../\(hex).tar\n\0")
    #expect(field(link, 1024, 77) == "\(id)/layer.tar\0\0\0")
    #expect(field(link, 1024 + 157, 100) == ("../" + hex).prefix(100))
    let both = TarHeader(name: hex + ".tar", type: .symbolicLink, mode: 0, linkName: "../\(hex).tar")
      .encoded()
    #expect(field(both, 512, 291) == "149 linkpath=../\(hex).tar\n142 path=\(hex).tar\n")
  }

  /// Go's archive/tar splits at a slash where both parts fit, and needs no extended header then.
  @Test func `a long name with a slash at the right place is split`() {
    let folder = String(repeating: "ab", count: 64)
    let block = TarHeader(name: folder + "/VERSION", mode: 0o444, byteCount: 3).encoded()
    #expect(block.count == 512)
    #expect(field(block, 0, 100) == "VERSION" + String(repeating: "\0", count: 93))
    #expect(field(block, 345, 155) == folder + String(repeating: "\0", count: 27))
  }

  @Test func `a name of 100 bytes fits, one of 101 does not`() {
    let fits = TarHeader(name: String(repeating: "n", count: 100), mode: 0).encoded()
    #expect(fits.count == 512)
    #expect(fits[99] == UInt8(ascii: "n") && fits[100] == UInt8(ascii: "0"))
    #expect(TarHeader(name: String(repeating: "n", count: 101), mode: 0).encoded().count == 1536)
    let link = TarHeader(
      name: "l", type: .symbolicLink, mode: 0, linkName: String(repeating: "t", count: 100))
    #expect(link.encoded().count == 512)
  }

  @Test func `the length of a record counts itself`() {
    for count in 0...1100 {
      var records = PAXRecords()
      records.append("k", [UInt8](repeating: UInt8(ascii: "v"), count: count))
      let record = String(decoding: records.bytes, as: UTF8.self)
      let length = record.prefix { $0 != " " }
      #expect(Int(length) == record.utf8.count, "value of \(count) bytes")
      #expect(record.hasSuffix("v\n") || count == 0 && record == "5 k=\n")
    }
  }

  @Test(arguments: [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511), (8_589_934_592, 0)])
  func `content is padded to 512`(byteCount: Int64, padding: Int) {
    #expect(TarHeader.padding(after: byteCount) == padding)
  }

  private static let members = [
    TarHeader(name: "plain", mode: 0o444, byteCount: 700),
    TarHeader(name: String(repeating: "n", count: 100), mode: 0o640, byteCount: 0),
    TarHeader(name: String(repeating: "n", count: 101), mode: 0o444, byteCount: 512),
    TarHeader(name: String(repeating: "d/", count: 120) + "f", mode: 0o444, byteCount: 1),
    TarHeader(name: String(repeating: "long", count: 75) + "/f", mode: 0o444, byteCount: 1),
    TarHeader(name: "link", type: .symbolicLink, mode: 0, linkName: "plain"),
    TarHeader(name: "long-link", type: .symbolicLink, mode: 0, linkName: String(repeating: "t", count: 135)),
    TarHeader(name: "hard", type: .hardLink, mode: 0o444, linkName: "plain"),
    TarHeader(name: "directory", type: .directory, mode: 0o755),
    TarHeader(name: "below.tar", mode: 0o444, byteCount: 8_589_934_591),
    TarHeader(name: "above.tar", mode: 0o444, byteCount: 8_589_934_592),
  ]

  /// An archive of `members`, whose contents are holes.
  private func archive(in directory: TemporaryDirectory) throws -> String {
    let path = directory.appending("archive.tar")
    let file = try FileDescriptor.open(
      FilePath(path), .writeOnly, options: [.create], permissions: .ownerReadWrite)
    defer { try? file.close() }
    var position: Int64 = 0
    for member in Self.members {
      position += Int64(try file.writeAll(toAbsoluteOffset: position, member.encoded()))
      position += member.byteCount + Int64(TarHeader.padding(after: member.byteCount))
    }
    try file.writeAll(toAbsoluteOffset: position, TarHeader.endOfArchive)
    return path
  }

  @Test func `python reads what was written`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let script = """
      import tarfile, sys
      for m in tarfile.open(sys.argv[1], "r:"):
        print(m.name, m.type.decode(), oct(m.mode)[2:], m.size, m.linkname or "-", m.uid, m.gid, int(m.mtime))
      """
    let listing = try await Program.check("/usr/bin/python3", ["-c", script, archive(in: directory)]).text
    let expected = Self.members.map { member in
      let type = String(UnicodeScalar(member.type.rawValue))
      let link = member.linkName.isEmpty ? "-" : text(member.linkName)
      return "\(text(member.name)) \(type) \(String(member.mode, radix: 8)) \(member.byteCount) \(link) 0 0 0"
    }
    #expect(listing.split(separator: "\n").map(String.init) == expected)
  }

  @Test func `GNU tar reads what was written`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let result = try await Program.check(
      "tar", ["--numeric-owner", "--utc", "-tvf", archive(in: directory)], environment: ["LC_ALL": "C"])
    #expect(result.errors.isEmpty)
    let lines = result.text.split(separator: "\n").map {
      $0.split(separator: " ", maxSplits: 5).map(String.init)
    }
    try #require(lines.count == Self.members.count)
    for (line, member) in zip(lines, Self.members) {
      #expect(line[1...4] == ["0/0", "\(member.byteCount)", "1970-01-01", "00:00"])
      let link =
        switch member.type {
        case .symbolicLink: " -> \(text(member.linkName))"
        case .hardLink: " link to \(text(member.linkName))"
        default: ""
        }
      #expect(line[5] == text(member.name) + link)
    }
  }
}
