/// What a tar member is.
public enum TarType: UInt8, Sendable {
  case regular = 0x30
  case hardLink = 0x31
  case symbolicLink = 0x32
  case directory = 0x35
  case extendedHeader = 0x78
}

/// One member's header, and its bytes in the dialect of Go's `archive/tar`.
///
/// Those bytes are what skopeo writes (docker-archive-bytes.md, "Tar header"): POSIX ustar with every unnamed byte NUL, and a PAX
/// extended header in front where a value does not fit.
public struct TarHeader: Sendable, Hashable {
  /// The size of a tar block in bytes.
  public static let blockSize = 512

  /// The member's name.
  public var name: String
  /// What the member is.
  public var type: TarType
  /// The permission bits.
  public var mode: UInt32
  /// The length of the content in bytes.
  public var byteCount: Int64
  /// The target, for links.
  public var linkName: String

  /// A member owned by 0:0 of 1970-01-01T00:00:00Z.
  public init(
    name: String, type: TarType = .regular, mode: UInt32, byteCount: Int64 = 0, linkName: String = ""
  ) {
    self.name = name
    self.type = type
    self.mode = mode
    self.byteCount = byteCount
    self.linkName = linkName
  }

  /// Two zero blocks.
  public static let endOfArchive = [UInt8](repeating: 0, count: 2 * blockSize)

  /// The largest size that eleven octal digits hold, 8 GiB − 1.
  private static let largestOctalSize: Int64 = 0o77_777_777_777

  /// Whether an extended header is needed in front.
  public var isExtended: Bool { !records.isEmpty }

  /// The header, with the extended one in front where it is needed.
  public func encoded() -> [UInt8] {
    let records = records
    if records.isEmpty { return block(devices: true, splitName) }
    let data = records.map(Self.record).joined()
    let extended = TarHeader(
      name: Self.extendedName(for: name), type: .extendedHeader, mode: 0, byteCount: Int64(data.utf8.count))
    var bytes = extended.block(devices: false)
    bytes += data.utf8
    bytes += [UInt8](repeating: 0, count: Self.padding(after: Int64(data.utf8.count)))
    return bytes + block(devices: true)
  }

  /// The number of zero bytes that follow `byteCount` bytes of content.
  public static func padding(after byteCount: Int64) -> Int {
    let excess = Int(byteCount % Int64(blockSize))
    return excess == 0 ? 0 : blockSize - excess
  }

  /// PAX records for what the header cannot hold, sorted by key.
  ///
  /// As in Go, a name that could be split has a record all the same when another value needs one.
  private var records: [(key: String, value: String)] {
    var records: [(key: String, value: String)] = []
    if linkName.utf8.count > 100 { records.append(("linkpath", linkName)) }
    if name.utf8.count > 100 { records.append(("path", name)) }
    if byteCount > Self.largestOctalSize { records.append(("size", String(byteCount))) }
    return records.count == 1 && splitName != nil && records[0].key == "path" ? [] : records
  }

  /// A long name in two, at the last slash that leaves at most 155 bytes before it and 100 behind.
  private var splitName: (prefix: Substring, rest: Substring)? {
    guard name.utf8.count > 100,
      let slash = name.utf8.prefix(156).lastIndex(of: UInt8(ascii: "/")), slash > name.startIndex
    else { return nil }
    let rest = name[name.utf8.index(after: slash)...]
    return (1...100).contains(rest.utf8.count) ? (name[..<slash], rest) : nil
  }

  /// `LENGTH key=value` and a newline, where the length counts itself.
  static func record(key: String, value: String) -> String {
    let rest = key.utf8.count + value.utf8.count + 3
    var length = rest + String(rest).utf8.count
    if rest + String(length).utf8.count > length { length += 1 }
    return "\(length) \(key)=\(value)\n"
  }

  private static func extendedName(for name: String) -> String {
    guard let slash = name.lastIndex(of: "/") else { return "PaxHeaders.0/\(name)" }
    return "\(name[..<slash])/PaxHeaders.0/\(name[name.index(after: slash)...])"
  }

  private func block(devices: Bool, _ split: (prefix: Substring, rest: Substring)? = nil) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: Self.blockSize)
    func put(_ text: some Collection<UInt8>, at offset: Int, limit: Int) {
      for (index, byte) in text.prefix(limit).enumerated() { block[offset + index] = byte }
    }
    func put(octal value: Int64, at offset: Int, digits: Int) {
      let text = String(value, radix: 8)
      put(
        String(repeating: "0", count: max(0, digits - text.utf8.count)).utf8 + Array(text.utf8), at: offset,
        limit: digits)
    }
    put(split?.rest.utf8 ?? name[...].utf8, at: 0, limit: 100)
    put(octal: Int64(mode), at: 100, digits: 7)
    put(octal: 0, at: 108, digits: 7)
    put(octal: 0, at: 116, digits: 7)
    put(octal: byteCount > Self.largestOctalSize ? 0 : byteCount, at: 124, digits: 11)
    put(octal: 0, at: 136, digits: 11)
    block[156] = type.rawValue
    put(linkName.utf8, at: 157, limit: 100)
    put("ustar\u{0}00".utf8, at: 257, limit: 8)
    if let split { put(split.prefix.utf8, at: 345, limit: 155) }
    if devices {
      put(octal: 0, at: 329, digits: 7)
      put(octal: 0, at: 337, digits: 7)
    }
    let sum = block.reduce(8 * 0x20) { $0 + Int64($1) }
    put(octal: sum, at: 148, digits: 6)
    block[155] = 0x20
    return block
  }
}
