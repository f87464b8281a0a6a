/// Tar archives made by hand: any header, sound or not.
public struct TarBytes: Sendable {
  /// One header and what follows it.
  public struct Member: Sendable {
    /// The name, cut to 100 bytes.
    public var name: [UInt8]
    /// The type flag.
    public var type: Character
    /// The content.
    public var content: [UInt8]
    /// The target of a link, cut to 100 bytes.
    public var link: String
    /// The bytes of the size field; nil for the octal number of bytes of content.
    public var sizeField: [UInt8]?
    /// The bytes of the user's number; nil for 0.
    public var userField: [UInt8]?
    /// The text from byte 257 on: magic and version.
    public var magic: [UInt8] = Array("ustar\u{0}00".utf8)
    /// The bytes from 345 on.
    public var prefix: [UInt8] = []
    /// The bytes of the check sum; nil for the right ones.
    public var checkSum: [UInt8]?
    /// The permission bits.
    public var mode = 0o644

    /// A member.
    public init(
      _ name: String, _ content: [UInt8] = [], type: Character = "0", link: String = "",
      sizeField: [UInt8]? = nil
    ) {
      self.name = Array(name.utf8)
      self.type = type
      self.content = content
      self.link = link
      self.sizeField = sizeField
    }

    /// A file of text.
    public init(_ name: String, text: String) { self.init(name, Array(text.utf8)) }

    /// The header, content and padding.
    public var bytes: [UInt8] {
      header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// The header alone.
    public var header: [UInt8] {
      var block = [UInt8](repeating: 0, count: 512)
      func put(_ bytes: some Sequence<UInt8>, at offset: Int, limit: Int) {
        for (index, byte) in bytes.enumerated().prefix(limit) { block[offset + index] = byte }
      }
      put(name, at: 0, limit: 100)
      put(octal(mode, digits: 7), at: 100, limit: 8)
      put(userField ?? octal(0, digits: 7), at: 108, limit: 8)
      put(octal(0, digits: 7), at: 116, limit: 8)
      put(sizeField ?? octal(content.count, digits: 11), at: 124, limit: 12)
      put(octal(0, digits: 11), at: 136, limit: 12)
      put([UInt8](repeating: 0x20, count: 8), at: 148, limit: 8)
      put(type.utf8, at: 156, limit: 1)
      put(link.utf8, at: 157, limit: 100)
      put(magic, at: 257, limit: 8)
      put(prefix, at: 345, limit: 155)
      let sum = block.reduce(0) { $0 + Int($1) }
      put(checkSum ?? octal(sum, digits: 6) + [0, 0x20], at: 148, limit: 8)
      return block
    }

    private func octal(_ number: Int, digits: Int) -> [UInt8] {
      let text = String(number, radix: 8)
      return [UInt8](repeating: 0x30, count: max(0, digits - text.utf8.count)) + text.utf8
    }
  }

  /// The archive of these members, with its two zero blocks.
  public static func archive(_ members: [Member]) -> [UInt8] {
    members.flatMap(\.bytes) + [UInt8](repeating: 0, count: 1024)
  }

  /// A PAX extended header with these records.
  public static func pax(_ records: [(key: String, value: String)], type: Character = "x") -> Member {
    Member("PaxHeaders/x", records.flatMap { record($0.key, Array($0.value.utf8)) }, type: type)
  }

  /// One PAX record, with its length.
  public static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
    let rest = key.utf8.count + value.count + 3
    var length = rest
    while rest + String(length).utf8.count != length { length = rest + String(length).utf8.count }
    return Array("\(length) \(key)=".utf8) + value + [0x0a]
  }
}
