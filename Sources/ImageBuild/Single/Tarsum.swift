import ArchiveIO
import Hashing

/// Docker's `tarsum`, version 1: a digest of what a tar holds, whatever the order and the times of its members (nix-dockertools.md, section 5.4).
enum Tarsum {
  /// The sum of a tar of these members.
  static func sum(of members: any TarMembers) throws -> String {
    var digests: [String] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    defer { buffer.deallocate() }
    while let input = try members.next() {
      var hasher = ContentHasher(.sha256)
      hasher.update(fields(of: input.header).span.bytes)
      switch input.content {
      case .none: break
      case .bytes(let bytes): hasher.update(bytes.span.bytes)
      case .file(let file): try update(&hasher, from: file, byteCount: input.header.byteCount, buffer)
      case .source(let source): try update(&hasher, from: source, byteCount: input.header.byteCount, buffer)
      }
      digests.append(hasher.finalize().hex)
    }
    return "tarsum.v1+sha256:\(Digest(of: digests.sorted().joined().utf8).hex)"
  }

  private static func fields(of header: TarHeader) -> [UInt8] {
    var text: [UInt8] = Array("name".utf8) + header.name
    func add(_ name: String, _ value: some CustomStringConvertible) { text += "\(name)\(value)".utf8 }
    add("mode", header.mode)
    add("uid", header.owner.uid)
    add("gid", header.owner.gid)
    add("size", header.byteCount)
    add("typeflag", Character(UnicodeScalar(header.type.rawValue)))
    text += Array("linkname".utf8) + header.linkName
    // Names of owners never count.
    add("uname", "")
    add("gname", "")
    add("devmajor", header.device?.major ?? 0)
    add("devminor", header.device?.minor ?? 0)
    return text
  }

  private static func update(
    _ hasher: inout ContentHasher, from source: any ByteSource, byteCount: Int64,
    _ buffer: UnsafeMutableRawBufferPointer
  ) throws {
    var rest = byteCount
    while rest > 0 {
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(min(rest, Int64(buffer.count)))))
      let count = try source.read(into: piece)
      if count == 0 { throw FileChanged(path: "a file of the contents") }
      hasher.update(UnsafeRawBufferPointer(rebasing: piece[..<count]).bytes)
      rest -= Int64(count)
    }
  }
}
