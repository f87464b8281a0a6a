import FileTrees

/// What a layer says of a file, as a kernel can hold it.
struct FileFacts {
  /// A directory that no layer describes but that is there because something is in it.
  static let implicitDirectory = FileFacts(type: .directory, mode: 0o755)

  var type: TarType
  var mode: UInt32
  var userID: Int64 = 0
  var groupID: Int64 = 0
  var time: Int64 = 0
  var linkTarget: [UInt8] = []
  var device: TarDevice?
  var attributes: [PAXRecord] = []

  init(type: TarType, mode: UInt32) { (self.type, self.mode) = (type, mode) }

  /// - Throws: `GuestFailure` for what no file system of Linux can hold.
  init(_ member: TarMember) throws {
    guard let type = Self.type(member.type) else {
      let letter = Character(UnicodeScalar(member.type))
      throw GuestFailure(
        because: "\(member.name.quoted) is a member of type “\(letter)”, which is not understood")
    }
    self.init(type: type, mode: member.mode)
    func check(_ field: String, _ value: Int64, below limit: Int64) throws {
      guard value < 0 || value >= limit else { return }
      throw GuestFailure(
        because: "the \(field) of \(member.name.quoted), \(value), is more than Linux has room for")
    }
    // The greatest number means nobody.
    try check("owner", member.userID, below: Int64(UInt32.max))
    try check("group", member.groupID, below: Int64(UInt32.max))
    (userID, groupID, time) = (member.userID, member.groupID, member.modificationTime)
    linkTarget = member.linkName
    if type == .characterDevice || type == .blockDevice {
      try check("major device number", member.deviceMajor, below: 1 << 12)
      try check("minor device number", member.deviceMinor, below: 1 << 20)
      device = TarDevice(major: UInt32(member.deviceMajor), minor: UInt32(member.deviceMinor))
    }
    attributes = member.extendedAttributes.map {
      PAXRecord(key: Array($0.key.dropFirst("SCHILY.xattr.".utf8.count)), value: $0.value)
    }
  }

  private static func type(_ flag: UInt8) -> TarType? {
    if flag == UInt8(ascii: "7") { return .regular }
    guard let type = TarType(rawValue: flag) else { return nil }
    switch type {
    case .regular, .symbolicLink, .characterDevice, .blockDevice, .directory, .fifo: return type
    case .hardLink, .extendedHeader, .gnuLongLink, .gnuLongName: return nil
    }
  }
}

extension [UInt8] {
  /// The beginning of a path in quotation marks, control characters escaped.
  var quoted: String { String(reflecting: String(decoding: prefix(300), as: UTF8.self)) }
}
