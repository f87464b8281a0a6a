extension TarHeader {
  private static let slash = UInt8(ascii: "/")

  /// Appends the header as Go's `archive/tar` writes it.
  func appendGo(to bytes: inout [UInt8]) {
    let records = goRecords
    guard !records.isEmpty else { return appendGoBlock(to: &bytes, split: splitName) }
    let extended = TarHeader(
      name: goExtendedName, type: .extendedHeader, mode: 0, byteCount: Int64(records.bytes.count))
    extended.appendGoBlock(to: &bytes, devices: false)
    bytes += records.padded()
    appendGoBlock(to: &bytes)
  }

  /// Records for what the header cannot hold, sorted by key.
  ///
  /// As in Go, a name that could be split has a record all the same when another value needs one.
  private var goRecords: PAXRecords {
    let isLongLink = linkName.count > TarField.linkName.width
    let isLongName = name.count > TarField.name.width
    let isLarge = !TarField.byteCount.holdsOctal(byteCount)
    var records = PAXRecords()
    if isLongName, !isLongLink, !isLarge, splitName != nil { return records }
    if isLongLink { records.append("linkpath", linkName) }
    if isLongName { records.append("path", name) }
    if isLarge { records.append("size", String(byteCount).utf8) }
    return records
  }

  /// A long name in two, at the last slash that leaves at most 155 bytes before it and 100 behind.
  private var splitName: (prefix: ArraySlice<UInt8>, rest: ArraySlice<UInt8>)? {
    guard name.count > TarField.name.width,
      let slash = name.prefix(TarField.prefix.width + 1).lastIndex(of: Self.slash), slash > 0
    else { return nil }
    let rest = name[(slash + 1)...]
    return (1...TarField.name.width).contains(rest.count) ? (name[..<slash], rest) : nil
  }

  private var goExtendedName: [UInt8] {
    let label = Array("PaxHeaders.0/".utf8)
    guard let slash = name.lastIndex(of: Self.slash) else { return label + name }
    return name[...slash] + label + name[(slash + 1)...]
  }

  private func appendGoBlock(
    to bytes: inout [UInt8], devices: Bool = true,
    split: (prefix: ArraySlice<UInt8>, rest: ArraySlice<UInt8>)? = nil
  ) {
    TarBlockEncoder.append(to: &bytes) { block in
      block.put(split?.rest ?? name[...], .name)
      block.put(octal: Int64(mode), .mode)
      block.put(octal: owner.uid, .uid)
      block.put(octal: owner.gid, .gid)
      block.put(octal: TarField.byteCount.holdsOctal(byteCount) ? byteCount : 0, .byteCount)
      block.put(octal: modificationTime, .modificationTime)
      block.put(CollectionOfOne(type.rawValue), .type)
      block.put(linkName, .linkName)
      block.put("ustar\u{0}00".utf8, .magic)
      if let split { block.put(split.prefix, .prefix) }
      if devices {
        block.put(octal: Int64(device?.major ?? 0), .deviceMajor)
        block.put(octal: Int64(device?.minor ?? 0), .deviceMinor)
      }
    }
  }
}
