import ArchiveIO

/// What a script pretended to do to files under `fakeroot`: owners, modes and devices that no file on the disk has.
public struct Ownership: Sendable {
  /// What is said of one file.
  struct Entry {
    var type: TarType?
    var mode: UInt32
    var uid: Int64
    var gid: Int64
    var device: TarDevice
  }

  private var entries: [FileIdentity: Entry] = [:]

  /// Nobody pretended anything: everything is 0:0.
  public init() {}

  /// Reads what `fakeroot -s` saved.
  ///
  /// Lines are `dev=HEX,ino=DECIMAL,mode=OCTAL,uid=…,gid=…,nlink=…,rdev=DECIMAL`; nil when one is not.
  public init?(parsingFakerootState text: String) {
    for line in text.split(separator: "\n") {
      var fields: [Substring: Substring] = [:]
      for field in line.split(separator: ",") {
        let parts = field.split(separator: "=", maxSplits: 1)
        if parts.count == 2 { fields[parts[0]] = parts[1] }
      }
      guard let device = fields["dev"].flatMap({ UInt64($0, radix: 16) }),
        let inode = fields["ino"].flatMap({ UInt64($0) }),
        let mode = fields["mode"].flatMap({ UInt32($0, radix: 8) }),
        let uid = fields["uid"].flatMap({ Int64($0) }), let gid = fields["gid"].flatMap({ Int64($0) })
      else { return nil }
      let number = fields["rdev"].flatMap { UInt64($0) } ?? 0
      entries[FileIdentity(device: device, inode: inode)] = Entry(
        type: TarType(fileMode: mode), mode: mode & 0o7777, uid: uid, gid: gid,
        device: TarDevice(deviceNumber: number))
    }
  }

  /// Gives a member what was pretended of its file.
  func apply(to header: inout TarHeader, of status: FileStatus) {
    guard let entry = entries[status.identity] else { return }
    header.owner.uid = entry.uid
    header.owner.gid = entry.gid
    if header.type != .symbolicLink { header.mode = entry.mode }
    guard let type = entry.type, type == .characterDevice || type == .blockDevice else { return }
    header.type = type
    header.device = entry.device
  }
}
