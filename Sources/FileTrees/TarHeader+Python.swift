extension TarHeader {
  /// Appends the header as `tarfile` of CPython writes it in PAX format (nix-dockertools.md, section 2.5).
  func appendPython(to bytes: inout [UInt8]) {
    let records = pythonRecords
    if !records.isEmpty {
      let extended = TarHeader(
        name: "././@PaxHeader", type: .extendedHeader, mode: 0, byteCount: Int64(records.bytes.count))
      extended.appendPythonBlock(to: &bytes)
      bytes += records.padded()
    }
    appendPythonBlock(to: &bytes)
  }

  /// Records in Python's order: the texts, then the numbers.
  private var pythonRecords: PAXRecords {
    let texts: [(key: String, value: [UInt8], field: TarField)] = [
      ("path", name, .name), ("linkpath", linkName, .linkName),
      ("uname", Array(owner.userName.utf8), .userName), ("gname", Array(owner.groupName.utf8), .groupName),
    ].filter { $0.value.count > $0.field.width || !$0.value.allSatisfy(PythonText.isASCII) }
    let numbers = pythonNumbers.filter { !$0.field.holdsOctal($0.value) }
    var records = PAXRecords()
    guard !texts.isEmpty || !numbers.isEmpty else { return records }
    // Names that are not UTF-8 are written as they are, and said to be so.
    if texts.contains(where: { !PythonText($0.value).isUTF8 }) { records.append("hdrcharset", "BINARY".utf8) }
    for text in texts { records.append(text.key, text.value) }
    for number in numbers { records.append(number.key, String(number.value).utf8) }
    return records
  }

  private var pythonNumbers: [(key: String, value: Int64, field: TarField)] {
    [
      ("uid", owner.uid, .uid), ("gid", owner.gid, .gid), ("size", byteCount, .byteCount),
      ("mtime", modificationTime, .modificationTime),
    ]
  }

  private func appendPythonBlock(to bytes: inout [UInt8]) {
    TarBlockEncoder.append(to: &bytes) { block in
      block.put(PythonText.replacingNonASCII(name), .name)
      block.put(octal: Int64(mode & 0o7777), .mode)
      for (_, value, field) in pythonNumbers { block.put(octal: field.holdsOctal(value) ? value : 0, field) }
      block.put(CollectionOfOne(type.rawValue), .type)
      block.put(PythonText.replacingNonASCII(linkName), .linkName)
      block.put("ustar\u{0}00".utf8, .magic)
      block.put(PythonText.replacingNonASCII(Array(owner.userName.utf8)), .userName)
      block.put(PythonText.replacingNonASCII(Array(owner.groupName.utf8)), .groupName)
      guard let device else { return }
      block.put(octal: Int64(device.major), .deviceMajor)
      block.put(octal: Int64(device.minor), .deviceMinor)
    }
  }
}
