/// One record of a PAX extended header.
public struct PAXRecord: Sendable, Hashable {
  /// The keyword.
  public var key: [UInt8]
  /// The value, any bytes.
  public var value: [UInt8]

  /// A record.
  public init(key: [UInt8], value: [UInt8]) { (self.key, self.value) = (key, value) }
}

/// The records of an extended header (POSIX.1, "pax Extended Header").
struct PAXRecords {
  private(set) var bytes: [UInt8] = []

  var isEmpty: Bool { bytes.isEmpty }

  /// Appends `LENGTH key=value` and a newline, where the length counts itself.
  mutating func append(_ key: String, _ value: some Collection<UInt8>) { append(Array(key.utf8), value) }

  /// The same for a key that may be any bytes, as names of extended attributes are.
  mutating func append(_ key: [UInt8], _ value: some Collection<UInt8>) {
    let rest = key.count + value.count + 3
    var length = rest + String(rest).utf8.count
    if rest + String(length).utf8.count > length { length += 1 }
    bytes += "\(length) ".utf8
    bytes += key
    bytes.append(UInt8(ascii: "="))
    bytes += value
    bytes.append(UInt8(ascii: "\n"))
  }

  /// The records, filled up to whole blocks.
  func padded() -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: TarHeader.padding(after: Int64(bytes.count)))
  }
}

extension TarHeader {
  /// Appends a PAX header with the extended attributes, as libarchive, Go and GNU tar read them; nothing for none.
  func appendExtendedAttributes(to bytes: inout [UInt8], _ dialect: TarDialect) {
    guard !extendedAttributes.isEmpty else { return }
    var records = PAXRecords()
    for attribute in extendedAttributes {
      records.append(Array("SCHILY.xattr.".utf8) + attribute.key, attribute.value)
    }
    let header = TarHeader(
      name: "././@PaxHeader", type: .extendedHeader, mode: 0, byteCount: Int64(records.bytes.count))
    header.append(to: &bytes, dialect)
    bytes += records.padded()
  }
}
