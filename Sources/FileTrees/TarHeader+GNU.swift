extension TarHeader {
  private static let longLinkName = Array("././@LongLink".utf8)

  /// Appends the header as GNU tar writes it in its own format (nix-dockertools.md, section 13).
  func appendGNU(to bytes: inout [UInt8], numericOwner: Bool) {
    let carrier = TarOwner(userName: numericOwner ? "" : "root", groupName: numericOwner ? "" : "root")
    for (type, text) in [(TarType.gnuLongLink, linkName), (.gnuLongName, name)] where text.count > 100 {
      var header = TarHeader(
        name: Self.longLinkName, type: type, mode: 0o644, byteCount: Int64(text.count) + 1)
      header.owner = carrier
      header.appendGNUBlock(to: &bytes)
      bytes += text
      bytes.append(contentsOf: repeatElement(0, count: 1 + Self.padding(after: header.byteCount)))
    }
    appendGNUBlock(to: &bytes)
  }

  private func appendGNUBlock(to bytes: inout [UInt8]) {
    TarBlockEncoder.append(to: &bytes) { block in
      block.put(name, .name)
      block.put(octal: Int64(mode & 0o7777), .mode)
      block.put(octalOrBase256: owner.uid, .uid)
      block.put(octalOrBase256: owner.gid, .gid)
      block.put(octalOrBase256: byteCount, .byteCount)
      block.put(octalOrBase256: modificationTime, .modificationTime)
      block.put(CollectionOfOne(type.rawValue), .type)
      block.put(linkName, .linkName)
      block.put("ustar  \u{0}".utf8, .magic)
      block.put(owner.userName.utf8, .userName)
      block.put(owner.groupName.utf8, .groupName)
      guard let device else { return }
      block.put(octalOrBase256: Int64(device.major), .deviceMajor)
      block.put(octalOrBase256: Int64(device.minor), .deviceMinor)
    }
  }
}
