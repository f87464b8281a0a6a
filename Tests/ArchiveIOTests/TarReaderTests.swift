import ArchiveIO
import Foundation
import Hashing
import TestSupport
import Testing

/// What other programs write is read, with Python's `tarfile` as the judge.
@Suite struct TarReaderTests {
  /// What both readers tell of a member.
  struct Seen: Hashable {
    var text: String

    init(_ text: String) { self.text = text }

    init(_ member: TarMember, content: [UInt8]) {
      var name = member.name
      while name.count > 1, name.last == UInt8(ascii: "/") { name.removeLast() }
      let fields: [String] = [
        hex(name), String(UnicodeScalar(member.type)), String(member.mode, radix: 8), "\(member.userID)",
        "\(member.groupID)", hex(member.userName), hex(member.groupName), "\(member.modificationTime)",
        "\(member.byteCount)", hex(member.linkName), "\(member.contentOffset)", Digest(of: content).hex,
      ]
      text = fields.joined(separator: " ")
    }
  }

  static func read(_ archive: [UInt8], piece: Int = .max) throws -> [Seen] {
    let reader = TarReader(BufferedSource(PiecewiseSource(archive, piece: piece)))
    var seen: [Seen] = []
    while let member = try reader.next() {
      seen.append(Seen(member, content: try reader.readContent(of: member, limit: 1 << 24)))
    }
    return seen
  }

  /// What Python sees.
  static func judge(_ path: String) async throws -> [Seen] {
    let script = #"""
      import sys, tarfile, hashlib, math
      h = lambda s: s.encode('utf-8', 'surrogateescape').hex() or '-'
      with tarfile.open(sys.argv[1], 'r:', errors='surrogateescape', encoding='utf-8') as t:
        for m in t:
          c = t.extractfile(m).read() if m.isreg() else b''
          kind = '0' if m.type in (b'0', b'\0', b'7') else m.type.decode()
          print(h(m.name), kind, oct(m.mode & 0o7777)[2:], m.uid, m.gid, h(m.uname), h(m.gname), math.floor(float(m.mtime)),
            len(c), h(m.linkname), m.offset_data, hashlib.sha256(c).hexdigest())
      """#
    let text = try await Program.check("python3", ["-c", script, path]).text
    return text.split(separator: "\n").map { Seen(String($0)) }
  }

  @Test(arguments: ["v7", "oldgnu", "gnu", "ustar", "posix"])
  func `the formats of GNU tar are read`(format: String) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let long = String(repeating: "d/", count: 60) + "file"
    let limits = ["v7": 90, "ustar": 120]
    let name =
      limits[format] == nil
      ? "tree/" + String(repeating: "e", count: 200) : "tree/" + (format == "v7" ? "x" : long)
    try directory.write("content", to: name)
    try directory.write(pattern(70_000), to: "tree/large")
    try directory.write("", to: "tree/empty")
    try directory.write("é", to: "tree/naïve")
    let link = limits[format] == nil ? String(repeating: "t", count: 150) : "large"
    let script =
      "cd tree && ln -s \(link) soft && ln large hard && mkdir -m 1777 sub\(format == "v7" ? "" : " && mkfifo pipe")"
    try await Program.check("sh", ["-c", script], workingDirectory: directory.path)
    let owner = ["v7", "ustar"].contains(format) ? "+1000" : "+3000000"
    try await Program.check(
      "tar",
      [
        "-cf", "out.tar", "--format=\(format)", "--sort=name", "--owner=\(owner)", "--mtime=@1234567.5",
        "tree",
      ],
      workingDirectory: directory.path)
    let expected = try await Self.judge(directory.appending("out.tar"))
    #expect(expected.count >= 8)
    let archive = try directory.read("out.tar")
    #expect(try Self.read(archive) == expected)
    #expect(try Self.read(archive, piece: 100) == expected)
  }

  @Test(arguments: ["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"])
  func `what Python writes is read`(format: String) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let script = #"""
      import sys, tarfile, io
      big = sys.argv[2] != 'USTAR_FORMAT'
      with tarfile.open(sys.argv[1], 'w', format=getattr(tarfile, sys.argv[2]), pax_headers={'comment': 'global'} if sys.argv[2] == 'PAX_FORMAT' else {}) as t:
        def add(name, data=b'', **values):
          m = tarfile.TarInfo(name)
          m.size = len(data)
          for k, v in values.items(): setattr(m, k, v)
          t.addfile(m, io.BytesIO(data))
        add('plain', b'x' * 513, mode=0o6755, uname='user', gname='group')
        add('p' * 90 + '/' + 'q' * 60, b'prefix')
        if big:
          add('r' * 400, b'long')
          add('ids', uid=2 ** 31, gid=2 ** 40)
          add('old', mtime=-5)
          add('link', type=tarfile.SYMTYPE, linkname='s' * 300)
          add('ünï', b'u', uname='ü')
        add('device', type=tarfile.CHRTYPE, devmajor=5, devminor=1)
        add('hard', type=tarfile.LNKTYPE, linkname='plain')
      """#
    let path = directory.appending("out.tar")
    try await Program.check("python3", ["-c", script, path, format])
    let expected = try await Self.judge(path)
    #expect(expected.count == (format == "USTAR_FORMAT" ? 4 : 9))
    #expect(try Self.read(directory.read("out.tar")) == expected)
  }

  static func members(_ members: [TarBytes.Member]) throws -> [TarMember] {
    let reader = TarReader(BufferedSource(ArraySource(TarBytes.archive(members))))
    var found: [TarMember] = []
    while let member = try reader.next() { found.append(member) }
    return found
  }

  @Test func `PAX records replace the header's fields, the last of a key counting`() throws {
    let records = [
      ("path", "first"), ("path", "second"), ("linkpath", "target"), ("size", "3"), ("uid", "4000000000"),
      ("gid", "-7"), ("uname", "ü"), ("gname", "g"), ("mtime", "-1.5"), ("SCHILY.xattr.user.a", "b\n"),
    ]
    let member = try #require(
      try Self.members([TarBytes.pax(records), .init("name", Array("abc".utf8))]).first)
    #expect(member.name == Array("second".utf8))
    #expect(member.linkName == Array("target".utf8))
    #expect((member.userID, member.groupID, member.modificationTime) == (4_000_000_000, -7, -2))
    #expect(member.userName == Array("ü".utf8) && member.groupName == Array("g".utf8))
    #expect(member.extendedAttributes.map(\.value) == [Array("b\n".utf8)])
  }

  @Test func `a global header holds for all members after it, until taken back`() throws {
    let members = [
      TarBytes.pax([("uname", "all")], type: "g"), .init("a"), TarBytes.pax([("uname", "own")]), .init("b"),
      TarBytes.pax([("uname", "")]), .init("c"),
    ]
    #expect(try Self.members(members).map(\.userName) == ["all", "own", ""].map { Array($0.utf8) })
  }

  @Test func `numbers in base 256 are read`() throws {
    var member = TarBytes.Member("a", [1, 2, 3])
    member.sizeField = [0x80] + [UInt8](repeating: 0, count: 10) + [3]
    member.userField = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]
    let found = try #require(try Self.members([member]).first)
    #expect((found.byteCount, found.userID) == (3, -2))
  }

  @Test func `the prefix is part of the name in ustar only`() throws {
    var member = TarBytes.Member("name")
    member.prefix = Array("dir".utf8)
    #expect(try Self.members([member]).map(\.name) == [Array("dir/name".utf8)])
    member.magic = Array("ustar  \u{0}".utf8)
    #expect(try Self.members([member]).map(\.name) == [Array("name".utf8)])
    member.magic = []
    #expect(try Self.members([member]).map(\.name) == [Array("name".utf8)])
  }

  @Test func `check sums of signed bytes are taken too`() throws {
    var member = TarBytes.Member("é")
    let header = member.header.enumerated().map { (148..<156).contains($0.offset) ? 0x20 : $0.element }
    let signed = header.reduce(0) { $0 + Int(Int8(bitPattern: $1)) }
    member.checkSum = Array((String(signed, radix: 8) + "\u{0} ").utf8)
    #expect(try Self.members([member]).count == 1)
  }

  @Test func `links and directories have no content, whatever their size says`() throws {
    let members = try Self.members([
      .init("l", type: "2", link: "x", sizeField: Array("00000002000".utf8)),
      .init("d", type: "5", sizeField: Array("00000002000".utf8)), .init("f", [1]),
    ])
    #expect(members.map(\.byteCount) == [0, 0, 1])
  }

  static let damaged: [(String, [TarBytes.Member], TarError)] = {
    func pax(_ text: String) -> [TarBytes.Member] {
      [.init("PaxHeaders/x", Array(text.utf8), type: "x"), .init("a")]
    }
    func changed(_ change: (inout TarBytes.Member) -> Void) -> [TarBytes.Member] {
      var member = TarBytes.Member("a")
      change(&member)
      return [member]
    }
    let record = TarError.badRecord(offset: 1024)
    return [
      ("a wrong check sum", changed { $0.checkSum = Array("000000\u{0} ".utf8) }, .noHeader(offset: 0)),
      ("no check sum", changed { $0.checkSum = Array("xxxxxx\u{0} ".utf8) }, .noHeader(offset: 0)),
      (
        "size in letters", changed { $0.sizeField = Array("hello".utf8) },
        .badNumber(field: "size", offset: 0)
      ),
      ("size with a sign", changed { $0.sizeField = Array("-1".utf8) }, .badNumber(field: "size", offset: 0)),
      (
        "a negative size in base 256",
        changed { $0.sizeField = [UInt8](repeating: 0xff, count: 12) }, .badNumber(field: "size", offset: 0)
      ),
      (
        "a size in base 256 beyond 64 bits",
        changed { $0.sizeField = [0x80] + [UInt8](repeating: 0xff, count: 11) },
        .badNumber(field: "size", offset: 0)
      ),
      (
        "an exabyte and more",
        changed { $0.sizeField = [0x80, 0, 0, 0, 0x7f] + [UInt8](repeating: 0xff, count: 7) },
        .badNumber(field: "size", offset: 512)
      ),
      ("a record without length", pax("path=a\n"), record),
      ("a record that is too long", pax("99 a=b\n"), record),
      ("a record that is too short", pax("3 a=b\n"), record), ("a length of zero", pax("0 a=b\n"), record),
      ("a negative length", pax("-6 a=b\n"), record), ("no equal sign", pax("6 abc\n"), record),
      ("no key", pax("5 =b\n"), record), ("no newline", pax("6 a=bc"), record),
      ("a length beyond 64 bits", pax("99999999999999999999 a=b\n"), record),
      (
        "a size that is no number", [TarBytes.pax([("size", "1x")]), .init("a")],
        .badNumber(field: "size", offset: 1536)
      ),
      (
        "a negative size", [TarBytes.pax([("size", "-1")]), .init("a")],
        .badNumber(field: "size", offset: 1536)
      ),
      ("a sparse file of old GNU tar", [.init("s", type: "S")], .sparse(name: Array("s".utf8))),
      (
        "a sparse file of PAX", [TarBytes.pax([("GNU.sparse.major", "1")]), .init("s")],
        .sparse(name: Array("s".utf8))
      ),
      (
        "an endless extended header", [.init("x", type: "x", sizeField: Array("77777777777".utf8))],
        .extensionTooLarge(offset: 512)
      ),
    ]
  }()

  @Test(arguments: damaged.indices) func `damage is named`(case index: Int) {
    let (name, members, error) = Self.damaged[index]
    #expect(throws: error, "\(name)") { try Self.members(members) }
  }

  @Test func `global headers cannot fill the memory`() {
    let headers = (0..<40).map {
      TarBytes.pax([("comment.\($0)", String(repeating: "x", count: 40_000))], type: "g")
    }
    #expect {
      try Self.members(headers)
    } throws: { error in
      guard case TarError.extensionTooLarge = error else { return false }
      return true
    }
  }

  /// Where a member ends an archive may stop: many writers were killed by a full disk, and readers never minded.
  @Test func `a truncated archive is an error unless it ends between members`() throws {
    let members: [TarBytes.Member] = [
      .init("a", pattern(600)), TarBytes.pax([("path", "long")]), .init("b", pattern(512)), .init("c"),
      .init("././@LongLink", Array("name\u{0}".utf8), type: "L"), .init("d", [1]),
    ]
    let archive = TarBytes.archive(members)
    // An extended header must be followed by its member.
    let ends = members.indices.filter { members[$0].type == "0" }
      .map { members[...$0].reduce(0) { $0 + $1.bytes.count } }
    let end = archive.count - 1024
    for length in stride(from: 0, through: archive.count, by: 64) {
      let isWhole = (try? Self.read(Array(archive[..<length]))) != nil
      let mayEnd = length == 0 || ends.contains(length) || length >= end + 512
      #expect(isWhole == mayEnd, "at \(length)")
    }
  }

  @Test(arguments: 1...200) func `random damage gives an error or members, never a crash`(seed: UInt64) throws
  {
    var generator = SeededGenerator(seed: seed)
    var archive = TarBytes.archive([
      .init("a", pattern(600)), TarBytes.pax([("path", "long"), ("size", "3")]), .init("b", [1, 2, 3]),
      .init("././@LongLink", Array("name\u{0}".utf8), type: "K"), .init("d", type: "2"),
      TarBytes.pax([("mtime", "1.5")], type: "g"), .init("e"),
    ])
    for _ in 0...generator.number(in: 0...3) {
      let place = generator.number(in: 0...archive.count - 1)
      archive[place] = generator.pick([
        0, 0x20, 0x30, 0x37, 0x39, 0x80, 0xff, UInt8(truncatingIfNeeded: generator.next()),
      ])
      // With a sound check sum the damage goes deeper.
      if generator.once(in: 2) { Self.repairCheckSum(&archive, block: place / 512 * 512) }
    }
    do { _ = try Self.read(archive) } catch is TarError {}
  }

  static func repairCheckSum(_ archive: inout [UInt8], block: Int) {
    guard block + 512 <= archive.count else { return }
    for place in 148..<156 { archive[block + place] = 0x20 }
    let sum = archive[block..<(block + 512)].reduce(0) { $0 + Int($1) }
    let text = Array(String(sum, radix: 8).utf8)
    let field = [UInt8](repeating: 0x30, count: max(0, 6 - text.count)) + text + [0, 0x20]
    archive.replaceSubrange((block + 148)..<(block + 156), with: field.prefix(8))
  }
}

private func hex(_ bytes: [UInt8]) -> String {
  bytes.isEmpty ? "-" : bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
