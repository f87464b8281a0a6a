/// One member of a tar that was read: its header's meaning, extensions applied.
public struct TarMember: Sendable, Hashable {
  /// The name, as bytes: any but NUL.
  public var name: [UInt8]
  /// The type flag; 0 of old archives is `0`, and a name that ends in a slash makes a directory of it.
  public var type: UInt8
  /// The permission bits, set-id and sticky ones included.
  public var mode: UInt32
  /// The owner's number.
  public var userID: Int64
  /// The group's number.
  public var groupID: Int64
  /// The owner's name; empty when there is none.
  public var userName: [UInt8]
  /// The group's name; empty when there is none.
  public var groupName: [UInt8]
  /// Seconds since 1970, fractions cut off.
  public var modificationTime: Int64
  /// The target of a link.
  public var linkName: [UInt8]
  /// The number of bytes of content; 0 for everything but files.
  public var byteCount: Int64
  /// The device's major number.
  public var deviceMajor: Int64
  /// The device's minor number.
  public var deviceMinor: Int64
  /// Extended attributes (`SCHILY.xattr.*`), in the order of the header.
  public var extendedAttributes: [PAXRecord]
  /// Where the content begins, in bytes from the beginning of the tar.
  public var contentOffset: Int64

  /// Whether it is a file with content of its own.
  public var isFile: Bool { type == UInt8(ascii: "0") || type == UInt8(ascii: "7") }
  /// Whether it is a directory.
  public var isDirectory: Bool { type == UInt8(ascii: "5") }
  /// Whether it is a symbolic link.
  public var isSymbolicLink: Bool { type == UInt8(ascii: "2") }
  /// Whether it is another name of an earlier member.
  public var isHardLink: Bool { type == UInt8(ascii: "1") }

  init(_ block: TarBlock, _ extensions: TarExtensions, contentOffset: Int64) throws(TarError) {
    let records = extensions
    let name = records.text("path") ?? extensions.longName ?? block.name
    let isOldDirectory = block.type == 0x30 && name.last == UInt8(ascii: "/")
    if block.type == UInt8(ascii: "S") || records.isSparse { throw .sparse(name: name) }
    self.name = name
    type = isOldDirectory ? UInt8(ascii: "5") : block.type
    mode = block.mode
    userID = try records.number("uid", at: contentOffset) ?? block.userID
    groupID = try records.number("gid", at: contentOffset) ?? block.groupID
    userName = records.text("uname") ?? block.userName
    groupName = records.text("gname") ?? block.groupName
    modificationTime = try records.seconds("mtime", at: contentOffset) ?? block.modificationTime
    linkName = records.text("linkpath") ?? extensions.longLink ?? block.linkName
    // Links, directories and devices have no content, whatever their header says: Go's rule, which Docker follows.
    let hasContent = type == 0x30 || !(0x31...0x36).contains(type)
    let size = try records.number("size", at: contentOffset) ?? block.byteCount
    guard size >= 0, size <= 1 << 60 else { throw .badNumber(field: "size", offset: contentOffset) }
    byteCount = hasContent ? size : 0
    deviceMajor = block.deviceMajor
    deviceMinor = block.deviceMinor
    extendedAttributes = records.records.filter { $0.key.starts(with: "SCHILY.xattr.".utf8) }
    self.contentOffset = contentOffset
  }
}

extension PAXRecord {
  /// Takes `LENGTH KEY=VALUE\n …` apart.
  static func parse(_ content: [UInt8], at offset: Int64) throws(TarError) -> [PAXRecord] {
    var records: [PAXRecord] = []
    var rest = content[...]
    while !rest.isEmpty {
      // Some writers pad with NUL.
      if rest.first == 0 { break }
      guard let blank = rest.firstIndex(of: 0x20),
        let length = Int(String(decoding: rest[..<blank], as: UTF8.self)),
        length > blank - rest.startIndex + 2, length <= rest.count
      else { throw .badRecord(offset: offset) }
      let end = rest.startIndex + length
      let body = rest[(blank + 1)..<(end - 1)]
      guard rest[end - 1] == 0x0a, let equal = body.firstIndex(of: UInt8(ascii: "=")), equal > body.startIndex
      else {
        throw .badRecord(offset: offset)
      }
      records.append(PAXRecord(key: Array(body[..<equal]), value: Array(body[(equal + 1)...])))
      rest = rest[end...]
    }
    return records
  }
}

/// What extended headers say of the member that follows them.
struct TarExtensions {
  var records: [PAXRecord]
  var longName: [UInt8]?
  var longLink: [UInt8]?

  init(_ records: [PAXRecord]) { self.records = records }

  /// The last value counts; an empty one takes a global one back.
  func text(_ key: String) -> [UInt8]? {
    records.last { $0.key.elementsEqual(key.utf8) }.flatMap { $0.value.isEmpty ? nil : $0.value.prefixToNUL }
  }

  func number(_ key: String, at offset: Int64) throws(TarError) -> Int64? {
    guard let text = text(key) else { return nil }
    guard let number = Int64(String(decoding: text, as: UTF8.self)) else {
      throw .badNumber(field: key, offset: offset)
    }
    return number
  }

  /// A decimal number, rounded down.
  func seconds(_ key: String, at offset: Int64) throws(TarError) -> Int64? {
    guard let text = text(key) else { return nil }
    let whole = text.prefix { $0 != UInt8(ascii: ".") }
    guard let seconds = Int64(String(decoding: whole, as: UTF8.self)) else {
      throw .badNumber(field: key, offset: offset)
    }
    let fraction = text.dropFirst(whole.count + 1)
    return text.first == UInt8(ascii: "-") && fraction.contains { $0 != UInt8(ascii: "0") }
      ? seconds - 1 : seconds
  }

  var isSparse: Bool { records.contains { $0.key.starts(with: "GNU.sparse.".utf8) } }
}

/// The fields of one header block, as they are there.
struct TarBlock {
  var name: [UInt8]
  var type: UInt8
  var mode: UInt32
  var userID: Int64
  var groupID: Int64
  var byteCount: Int64
  var modificationTime: Int64
  var linkName: [UInt8]
  var userName: [UInt8] = []
  var groupName: [UInt8] = []
  var deviceMajor: Int64 = 0
  var deviceMinor: Int64 = 0

  init(_ block: [UInt8], at offset: Int64) throws(TarError) {
    try Self.checkSum(of: block, at: offset)
    func number(_ field: String, _ range: Range<Int>) throws(TarError) -> Int64 {
      guard let number = Self.number(block[range]) else { throw .badNumber(field: field, offset: offset) }
      return number
    }
    func text(_ range: Range<Int>) -> [UInt8] { Array(block[range]).prefixToNUL }
    name = text(0..<100)
    mode = UInt32(truncatingIfNeeded: try number("mode", 100..<108) & 0o7777)
    userID = try number("uid", 108..<116)
    groupID = try number("gid", 116..<124)
    byteCount = try number("size", 124..<136)
    modificationTime = try number("mtime", 136..<148)
    type = block[156] == 0 ? 0x30 : block[156]
    linkName = text(157..<257)
    guard byteCount >= 0 else { throw .badNumber(field: "size", offset: offset) }
    guard block[257..<262].elementsEqual("ustar".utf8) else { return }
    userName = text(265..<297)
    groupName = text(297..<329)
    if type == UInt8(ascii: "3") || type == UInt8(ascii: "4") {
      deviceMajor = try number("device number", 329..<337)
      deviceMinor = try number("device number", 337..<345)
    }
    // In GNU's format something else is there.
    let prefix = text(345..<500)
    if block[262] == 0, !prefix.isEmpty { name = prefix + [UInt8(ascii: "/")] + name }
  }

  private static func checkSum(of block: [UInt8], at offset: Int64) throws(TarError) {
    let blanks = Int64(8 * 0x20)
    let rest = block[..<148] + block[156...]
    let unsigned = rest.reduce(blanks) { $0 + Int64($1) }
    // Some old writers took bytes for signed.
    let signed = rest.reduce(blanks) { $0 + Int64(Int8(bitPattern: $1)) }
    guard let found = number(block[148..<156]), found == unsigned || found == signed else {
      throw .noHeader(offset: offset)
    }
  }

  /// Octal digits between blanks and NULs, or GNU's base 256; nil for anything else.
  ///
  /// An empty field is 0.
  static func number(_ field: ArraySlice<UInt8>) -> Int64? {
    guard let first = field.first else { return nil }
    if first & 0x80 != 0 { return binary(field, isNegative: first & 0x40 != 0) }
    let digits = field.drop { $0 == 0x20 || $0 == 0 }.prefix { $0 != 0x20 && $0 != 0 }
    if digits.isEmpty { return 0 }
    return Int64(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 < 0 ? nil : $0 }
  }

  private static func binary(_ field: ArraySlice<UInt8>, isNegative: Bool) -> Int64? {
    var value: Int64 = isNegative ? -1 : 0
    for (index, byte) in field.enumerated() {
      let digit = index == 0 ? (isNegative ? byte | 0x80 : byte & 0x7f) : byte
      let (product, overflow) = value.multipliedReportingOverflow(by: 256)
      if overflow { return nil }
      value = product | Int64(digit)
    }
    return value
  }
}
