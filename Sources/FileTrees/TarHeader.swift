/// What a tar member is.
public enum TarType: UInt8, Sendable {
  case regular = 0x30
  case hardLink = 0x31
  case symbolicLink = 0x32
  case characterDevice = 0x33
  case blockDevice = 0x34
  case directory = 0x35
  case fifo = 0x36
  case extendedHeader = 0x78
  case gnuLongLink = 0x4B
  case gnuLongName = 0x4C
}

/// Whose a member is.
public struct TarOwner: Sendable, Hashable {
  /// The user's number.
  public var uid: Int64
  /// The group's number.
  public var gid: Int64
  /// The user's name, or nothing.
  public var userName: String
  /// The group's name, or nothing.
  public var groupName: String

  /// 0:0 without names, unless told otherwise.
  public init(uid: Int64 = 0, gid: Int64 = 0, userName: String = "", groupName: String = "") {
    self.uid = uid
    self.gid = gid
    self.userName = userName
    self.groupName = groupName
  }
}

/// The numbers of a device.
public struct TarDevice: Sendable, Hashable {
  /// The driver's number.
  public var major: UInt32
  /// The number that the driver gives to the device.
  public var minor: UInt32

  /// A device's numbers.
  public init(major: UInt32, minor: UInt32) {
    self.major = major
    self.minor = minor
  }
}

/// One member's header.
///
/// A `TarDialect` decides about its bytes.
public struct TarHeader: Sendable, Hashable {
  /// The size of a tar block in bytes.
  public static let blockSize = 512
  /// Two zero blocks.
  public static let endOfArchive = [UInt8](repeating: 0, count: 2 * blockSize)

  /// The member's name.
  public var name: [UInt8]
  /// What the member is.
  public var type: TarType
  /// The permission bits.
  public var mode: UInt32
  /// The length of the content in bytes.
  public var byteCount: Int64
  /// The target, for links.
  public var linkName: [UInt8]
  /// Whose it is.
  public var owner = TarOwner()
  /// When the content was changed, in seconds since 1970-01-01T00:00:00Z.
  public var modificationTime: Int64 = 0
  /// The rest of that time in nanoseconds, less than a second; the dialects leave it out.
  public var modificationNanoseconds: UInt32 = 0
  /// The numbers, for devices.
  public var device: TarDevice?
  /// Extended attributes by their full names (`security.capability`), which go into a PAX header whatever the dialect.
  public var extendedAttributes: [PAXRecord] = []

  /// A member owned by 0:0 of 1970-01-01T00:00:00Z.
  public init(
    name: [UInt8], type: TarType = .regular, mode: UInt32, byteCount: Int64 = 0, linkName: [UInt8] = []
  ) {
    self.name = name
    self.type = type
    self.mode = mode
    self.byteCount = byteCount
    self.linkName = linkName
  }

  /// The same with names that are text.
  public init(
    name: String, type: TarType = .regular, mode: UInt32, byteCount: Int64 = 0, linkName: String = ""
  ) {
    self.init(
      name: Array(name.utf8), type: type, mode: mode, byteCount: byteCount, linkName: Array(linkName.utf8))
  }

  /// The number of zero bytes that follow `byteCount` bytes of content.
  public static func padding(after byteCount: Int64) -> Int {
    let excess = Int(byteCount % Int64(blockSize))
    return excess == 0 ? 0 : blockSize - excess
  }
}
