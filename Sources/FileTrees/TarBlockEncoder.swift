/// Writes the fields of one header block (POSIX.1, "ustar Interchange Format").
struct TarBlockEncoder {
  private let block: UnsafeMutableRawBufferPointer

  /// Appends a block of zeros to `bytes`, lets `fill` write the fields, and adds the check sum.
  static func append(to bytes: inout [UInt8], _ fill: (TarBlockEncoder) -> Void) {
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: TarHeader.blockSize))
    bytes.withUnsafeMutableBytes { buffer in
      let encoder = TarBlockEncoder(block: UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
      fill(encoder)
      encoder.putCheckSum()
    }
  }

  /// A text, cut at `limit` bytes.
  func put(_ text: some Collection<UInt8>, _ field: TarField) {
    var offset = field.offset
    for byte in text.prefix(field.width) {
      block[offset] = byte
      offset += 1
    }
  }

  /// A number in octal digits that leave one byte of the field, which stays NUL.
  func put(octal value: Int64, _ field: TarField) { put(octal: value, field, digits: field.width - 1) }

  /// A number as GNU tar writes it: in octal digits, or base 256 where they do not suffice.
  func put(octalOrBase256 value: Int64, _ field: TarField) {
    if field.holdsOctal(value) { return put(octal: value, field) }
    var rest = value
    for index in (0..<field.width).reversed() {
      block[field.offset + index] = UInt8(truncatingIfNeeded: rest)
      rest >>= 8
    }
    block[field.offset] = value < 0 ? 0xFF : 0x80
  }

  private func put(octal value: Int64, _ field: TarField, digits: Int) {
    var rest = UInt64(bitPattern: value)
    for index in (0..<digits).reversed() {
      block[field.offset + index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest & 7)
      rest >>= 3
    }
  }

  /// Six digits, NUL and a blank; the field counts as blanks.
  private func putCheckSum() {
    var sum: Int64 = 8 * 0x20
    for byte in block { sum += Int64(byte) }
    put(octal: sum, .checkSum, digits: 6)
    block[TarField.checkSum.offset + 7] = 0x20
  }
}

/// A field of a header block.
struct TarField {
  let offset: Int
  /// In bytes.
  let width: Int

  static let name = TarField(offset: 0, width: 100)
  static let mode = TarField(offset: 100, width: 8)
  static let uid = TarField(offset: 108, width: 8)
  static let gid = TarField(offset: 116, width: 8)
  static let byteCount = TarField(offset: 124, width: 12)
  static let modificationTime = TarField(offset: 136, width: 12)
  static let checkSum = TarField(offset: 148, width: 8)
  static let type = TarField(offset: 156, width: 1)
  static let linkName = TarField(offset: 157, width: 100)
  static let magic = TarField(offset: 257, width: 8)
  static let userName = TarField(offset: 265, width: 32)
  static let groupName = TarField(offset: 297, width: 32)
  static let deviceMajor = TarField(offset: 329, width: 8)
  static let deviceMinor = TarField(offset: 337, width: 8)
  static let prefix = TarField(offset: 345, width: 155)

  /// Whether octal digits and a NUL hold `value`.
  func holdsOctal(_ value: Int64) -> Bool { (0..<(1 << (3 * (width - 1)))).contains(value) }
}
